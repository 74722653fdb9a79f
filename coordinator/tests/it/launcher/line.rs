//! A way to the Docker engine over TCP that can be cut.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub struct Line {
    address: String,
    is_cut: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Line {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let is_cut = watch::Sender::new(false);
        let listening = tokio::spawn(listen(listener, is_cut.subscribe()));
        Self {
            address,
            is_cut,
            listening,
        }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends every connection, and every new one at once.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, is_cut: watch::Receiver<bool>) {
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut is_cut = is_cut.clone();
        tokio::spawn(async move {
            let mut far = UnixStream::connect("/var/run/docker.sock").await.unwrap();
            tokio::select! {
                biased;
                _ = is_cut.wait_for(|is_cut| *is_cut) => {}
                _ = copy_bidirectional(&mut near, &mut far) => {}
            }
        });
    }
}
