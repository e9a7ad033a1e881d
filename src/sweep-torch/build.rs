//! Tells the linker where `sweep-torch` finds libtorch, so that it runs with no environment.
//!
//! Invariant: of this package alone: no other program is linked against libtorch.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by the build script of `torch-sys`.
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        for flag in [
            format!("-Wl,-rpath,{folder}"),
            // Libtorch's parts beside a copied binary are found as well.
            "-Wl,-rpath,$ORIGIN/lib".to_owned(),
        ] {
            println!("cargo::rustc-link-arg={flag}");
        }
    }
}
