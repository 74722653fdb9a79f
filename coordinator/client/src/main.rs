//! `pictor`: see [`pictor_client`].

use std::process::ExitCode;

fn main() -> ExitCode {
    pictor_client::main()
}
