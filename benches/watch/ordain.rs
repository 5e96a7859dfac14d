//! What takes its turns in `watch` with the allocator of the released binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod process;
mod sides;
mod turn;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    if !turn::asked() {
        println!("watch_ordain takes its turns when watch asks for them");
    }
}
