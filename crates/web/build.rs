//! Says when the embedded files are old: the macro that embeds them sees changed files, but no new ones.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
