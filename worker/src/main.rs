fn main() -> std::process::ExitCode {
    pictor_worker::cli::main()
}
