//! Every kind of borrowed read as a function of its own, for `scripts/check-asm` to look at.
//!
//! Run with `cargo run --release -p byname-registry --example borrowed_reads`.

use std::hint::black_box;

use byname_registry::{Handle, Registry, View};

#[inline(never)]
fn asm_get(registry: &Registry<u64>, name: &str) -> u64 {
    registry.get(name).map_or(0, |value| *value)
}

#[inline(never)]
fn asm_read(registry: &Registry<u64>, name: &str) -> u64 {
    registry.read(name, |value| *value).unwrap_or(0)
}

#[inline(never)]
fn asm_view(registry: &Registry<u64>) -> u64 {
    registry.view().revision()
}

#[inline(never)]
fn asm_get_in_view(view: &View<'_, u64>, name: &str) -> u64 {
    view.get(name).copied().unwrap_or(0)
}

#[inline(never)]
fn asm_handle(handle: &Handle<u64>) -> u64 {
    handle.get().map_or(0, |value| *value)
}

#[inline(never)]
fn asm_handle_in_view(handle: &Handle<u64>, view: &View<'_, u64>) -> u64 {
    handle.get_in(view).copied().unwrap_or(0)
}

fn main() {
    let registry = Registry::from_iter([("one", 1)]);
    let name = black_box("one");
    let Some(handle) = registry.handle(name) else {
        return;
    };
    let view = registry.view();
    let read = [
        asm_get(black_box(&registry), name),
        asm_read(black_box(&registry), name),
        asm_view(black_box(&registry)),
        asm_get_in_view(black_box(&view), name),
        asm_handle(black_box(&handle)),
        asm_handle_in_view(black_box(&handle), black_box(&view)),
    ];
    assert_eq!(read, [1; 6]);
}
