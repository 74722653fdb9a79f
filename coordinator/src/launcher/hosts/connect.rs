//! Reaching an engine, once; bollard connects anew for every request.

use bollard::{API_DEFAULT_VERSION, Docker};

use super::{DockerHost, Engine, HostError, call};

/// For the head of an answer; bodies have the limits of whoever reads them.
const ANSWER_WITHIN_S: u64 = 60;
/// A worker's name has at most 64 characters, of which the prefix and the number take up to 39.
const NAME_CHARS: usize = 20;

impl DockerHost {
    pub(super) async fn docker(&self) -> Result<&Docker, HostError> {
        Ok(&self.engine().await?.docker)
    }

    pub(super) async fn engine(&self) -> Result<&Engine, HostError> {
        self.engine.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Engine, HostError> {
        let unreachable = |source| HostError::Connect {
            address: self.address.clone(),
            source,
        };
        let docker = self.client()?;
        // bollard speaks a newer version of the protocol than most engines.
        let docker = docker.negotiate_version().await.map_err(unreachable)?;
        let info = docker.info().await.map_err(call("ask the engine"))?;
        let id = info.id.unwrap_or_default();
        let host = info.name.unwrap_or_default();
        let host: String = host.chars().filter(|c| !c.is_control()).collect();
        let host: String = host.chars().take(NAME_CHARS - 5).collect();
        let mark: String = blake3::hash(id.as_bytes()).to_hex()[..4].into();
        Ok(Engine {
            docker,
            name: format!("{host}-{mark}"),
            cpus: info.ncpu.unwrap_or(1),
            memory_bytes: u64::try_from(info.mem_total.unwrap_or(0)).unwrap_or(0),
        })
    }

    fn client(&self) -> Result<Docker, HostError> {
        let address = self.address.as_str();
        let (limit, version) = (ANSWER_WITHIN_S, API_DEFAULT_VERSION);
        let client = if address.starts_with("unix://") {
            Docker::connect_with_unix(address, limit, version)
        } else if address.starts_with("ssh://") {
            Docker::connect_with_ssh(address, limit, version, None)
        } else if let Some(dir) = self
            .certs
            .as_ref()
            .filter(|_| address.starts_with("tcp://"))
        {
            let (key, cert, ca) = (
                dir.join("key.pem"),
                dir.join("cert.pem"),
                dir.join("ca.pem"),
            );
            return Docker::connect_with_ssl(address, &key, &cert, &ca, limit, version).map_err(
                |source| HostError::Certificates {
                    dir: dir.display().to_string(),
                    source,
                },
            );
        } else {
            Docker::connect_with_http(address, limit, version)
        };
        client.map_err(|source| HostError::Connect {
            address: self.address.clone(),
            source,
        })
    }
}
