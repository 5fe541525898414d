//! The `simdex` program: everything is in the library.

fn main() -> std::process::ExitCode {
    simdex::cli::run()
}
