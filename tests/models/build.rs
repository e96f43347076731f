//! Says to the included files of the library that a model runs them, with the feature `cached`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(model)");
    println!("cargo::rustc-cfg=model");
    println!("cargo::rustc-cfg=feature=\"cached\"");
    println!("cargo::rerun-if-changed=build.rs");
}
