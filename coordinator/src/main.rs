use std::process::ExitCode;

fn main() -> ExitCode {
    pictor_coordinator::cli::main()
}
