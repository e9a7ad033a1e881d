//! Tells the linker where `sweep-torch` finds libtorch, so that it runs with no environment.
//!
//! Invariant: nothing here reaches any program but the torch worker and benches; without the feature nothing is done.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Said by the build script of `torch-sys`, when that is built at all.
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
