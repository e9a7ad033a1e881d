//! What libtorch can train on here.
//!
//! Invariant: a GPU is never silently replaced by a CPU: where there is none, the reason is told.

use std::ffi::CStr;

use tch::{Cuda, Device};

/// The half of libtorch that knows GPUs.
const CUDA_LIBRARY: &CStr = c"libtorch_cuda.so";

/// The first GPU that this process may see.
///
/// # Errors
/// A sentence that says why there is none.
pub fn first_gpu() -> Result<Device, String> {
    load_cuda()?;
    if !Cuda::is_available() {
        return Err(NO_GPU.to_owned());
    }
    // Counting GPUs is not using one: this makes what a process needs there.
    match free_bytes() {
        Some(_) => Ok(Device::Cuda(0)),
        None => Err(NO_CONTEXT.to_owned()),
    }
}

const NO_GPU: &str = "libtorch finds no GPU: see whether `nvidia-smi` lists one, whether its driver is \
                      recent enough for CUDA 13, and what CUDA_VISIBLE_DEVICES says";

const NO_CONTEXT: &str = "the GPU is there and cannot be used: its memory is full, or it serves one process alone \
                          (`nvidia-smi` lists who uses it, and its compute mode)";

/// `{"cpu": true, "cuda": NUMBER, "why": null or a sentence}`.
pub fn describe() -> serde_json::Value {
    let (count, why) = match load_cuda() {
        Err(why) => (0, Some(why)),
        Ok(()) if !Cuda::is_available() => (0, Some(NO_GPU.to_owned())),
        Ok(()) => (Cuda::device_count(), None),
    };
    serde_json::json!({ "cpu": true, "cuda": count, "why": why })
}

/// Whether libtorch was told to round the factors of matrix products on GPUs to TF32: ten bits instead of 23.
/// It looks at the variable itself.
pub fn rounds_factors() -> bool {
    std::env::var_os("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE").is_some_and(|value| value == "1")
}

/// Bytes of memory that are free on the GPU in use; `None` where that cannot be asked.
pub fn free_bytes() -> Option<u64> {
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> libc::c_int;
    // SAFETY: looks a name up among the libraries that are loaded.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"cudaMemGetInfo".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    let (mut free, mut total) = (0usize, 0usize);
    // SAFETY: CUDA's runtime documents the function with these types; both places are writable.
    let code = unsafe {
        let ask = std::mem::transmute::<*mut libc::c_void, MemGetInfo>(symbol);
        ask(&raw mut free, &raw mut total)
    };
    (code == 0).then_some(free as u64)
}

/// Loads libtorch's GPU half, which linkers leave out because nothing names a symbol of it.
fn load_cuda() -> Result<(), String> {
    // SAFETY: the name is a C string; the initialisers of libtorch's own library expect to be run so.
    let handle = unsafe { libc::dlopen(CUDA_LIBRARY.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if !handle.is_null() {
        return Ok(());
    }
    // SAFETY: after a failed dlopen, dlerror gives a C string that lives until the next call.
    let why = unsafe { CStr::from_ptr(libc::dlerror()) }.to_string_lossy();
    Err(format!(
        "this libtorch has no GPU half ({why}): build `sweep-torch` with a Python that has PyTorch 2.11.0 for \
         CUDA (`pip install torch==2.11.0`, then `make torch`), or name its torch/lib in LD_LIBRARY_PATH"
    ))
}
