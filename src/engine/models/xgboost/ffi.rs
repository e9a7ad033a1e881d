//! The part of XGBoost's C interface that training needs, loaded at run time (`xgboost/c_api.h`,
//! <https://xgboost.readthedocs.io/en/stable/c.html>).
//!
//! Invariant: every return code is checked, every buffer the library lends is copied before the next call on its
//! owner, and every handle is freed once. C++ exceptions end at the library's own boundary.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::OnceLock;

use libloading::Library;

use super::super::boosting::Columns;
use super::super::library::{Located, NotFound, Surroundings, Wanted, XGBOOST, find, functions};
use crate::EngineError;
use sweep_data::Inputs;

/// The library, and where to get it.
pub(super) static WANTED: Wanted = Wanted {
    label: "XGBoost",
    file: "xgboost",
    variable: XGBOOST,
    command: "make xgboost",
    folder: "xgboost",
    package: "xgboost-cpu",
};

/// The oldest version that the tests have passed with.
const OLDEST: (i32, i32) = (2, 1);

/// What the library calls the types of columns.
const TYPES: &CStr = c"feature_type";

type Handle = *mut c_void;

functions! {
    version = c"XGBoostVersion": fn(*mut c_int, *mut c_int, *mut c_int) -> ();
    last_error = c"XGBGetLastError": fn() -> *const c_char;
    set_global = c"XGBSetGlobalConfig": fn(*const c_char) -> c_int;
    matrix_from_dense = c"XGDMatrixCreateFromDense":
        fn(*const c_char, *const c_char, *mut Handle) -> c_int;
    matrix_set_float = c"XGDMatrixSetFloatInfo":
        fn(Handle, *const c_char, *const f32, u64) -> c_int;
    matrix_set_texts = c"XGDMatrixSetStrFeatureInfo":
        fn(Handle, *const c_char, *const *const c_char, u64) -> c_int;
    matrix_free = c"XGDMatrixFree": fn(Handle) -> c_int;
    create = c"XGBoosterCreate": fn(*const Handle, u64, *mut Handle) -> c_int;
    free = c"XGBoosterFree": fn(Handle) -> c_int;
    set_param = c"XGBoosterSetParam": fn(Handle, *const c_char, *const c_char) -> c_int;
    update = c"XGBoosterUpdateOneIter": fn(Handle, c_int, Handle) -> c_int;
    eval = c"XGBoosterEvalOneIter":
        fn(Handle, c_int, *const Handle, *const *const c_char, u64, *mut *const c_char) -> c_int;
    predict = c"XGBoosterPredictFromDMatrix":
        fn(Handle, Handle, *const c_char, *mut *const u64, *mut u64, *mut *const f32) -> c_int;
    score = c"XGBoosterFeatureScore":
        fn(Handle, *const c_char, *mut u64, *mut *const *const c_char, *mut u64, *mut *const u64, *mut *const f32)
            -> c_int;
    slice = c"XGBoosterSlice": fn(Handle, c_int, c_int, c_int, *mut Handle) -> c_int;
    set_texts = c"XGBoosterSetStrFeatureInfo":
        fn(Handle, *const c_char, *const *const c_char, u64) -> c_int;
    set_attribute = c"XGBoosterSetAttr": fn(Handle, *const c_char, *const c_char) -> c_int;
    save = c"XGBoosterSaveModelToBuffer":
        fn(Handle, *const c_char, *mut u64, *mut *const c_char) -> c_int;
    load_model = c"XGBoosterLoadModelFromBuffer": fn(Handle, *const c_void, u64) -> c_int;
    serialize = c"XGBoosterSerializeToBuffer":
        fn(Handle, *mut u64, *mut *const c_char) -> c_int;
    unserialize = c"XGBoosterUnserializeFromBuffer": fn(Handle, *const c_void, u64) -> c_int;
}

/// The loaded library.
pub(super) struct Xgboost {
    functions: Functions,
    pub located: Located,
    /// Major, minor, patch.
    pub version: (i32, i32, i32),
    /// Never closed: its OpenMP threads would outlive it.
    _library: Library,
}

/// The library, loaded on the first call.
pub(super) fn library() -> Result<&'static Xgboost, &'static NotFound> {
    static LIBRARY: OnceLock<Result<Xgboost, NotFound>> = OnceLock::new();
    let found = LIBRARY.get_or_init(|| load(&Surroundings::here(&WANTED)));
    found.as_ref()
}

/// Loads the first library that will do.
pub(super) fn load(around: &Surroundings) -> Result<Xgboost, NotFound> {
    find(&WANTED, around, open)
}

fn open(path: &Path, by: &'static str) -> Result<Xgboost, String> {
    // SAFETY: running the constructors of a library is what the user asked for by putting it there.
    let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: a library of this name that has all these symbols is libxgboost, whose C interface
    // keeps their types.
    let functions = unsafe { Functions::load(&library) }
        .map_err(|error| format!("it is not a libxgboost young enough: {error}"))?;
    let mut version = (0, 0, 0);
    // SAFETY: three places to write to.
    unsafe { (functions.version)(&mut version.0, &mut version.1, &mut version.2) };
    if (version.0, version.1) < OLDEST {
        return Err(format!(
            "it is XGBoost {}.{}, and {}.{} or newer is needed",
            version.0, version.1, OLDEST.0, OLDEST.1
        ));
    }
    Ok(Xgboost {
        functions,
        located: Located {
            path: path.to_owned(),
            version: Some(version),
            by,
        },
        version,
        _library: library,
    })
}

impl Xgboost {
    /// Keeps the library from writing to the terminal, in this thread.
    pub fn hush(&self) -> Result<(), EngineError> {
        // SAFETY: a C string that outlives the call.
        self.check(unsafe { (self.functions.set_global)(c"{\"verbosity\": 0}".as_ptr()) })
    }

    fn check(&self, code: c_int) -> Result<(), EngineError> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the library gives a C string of this thread, valid until its next error.
        let text = unsafe { CStr::from_ptr((self.functions.last_error)()) }.to_string_lossy();
        let message = text.split("\nStack trace").next().unwrap_or_default();
        Err(WANTED.failure(message.trim()))
    }
}

/// Rows in the library's own layout.
pub(super) struct Matrix {
    library: &'static Xgboost,
    handle: Handle,
    rows: usize,
}

impl Matrix {
    /// Copies rows as `columns`.
    pub fn new(
        library: &'static Xgboost,
        inputs: Inputs<'_>,
        columns: &Columns,
    ) -> Result<Matrix, EngineError> {
        let (x, width) = (columns.values(inputs), columns.count());
        let rows = x.len() / width;
        let array = serde_json::json!({
            "data": [x.as_ptr() as usize, true],
            "shape": [rows, width],
            "typestr": if cfg!(target_endian = "little") { "<f4" } else { ">f4" },
            "version": 3,
        });
        let array = WANTED.text(&array.to_string())?;
        let config = c"{\"missing\": NaN, \"nthread\": 1}";
        let mut handle = ptr::null_mut();
        // SAFETY: the array interface describes `x`, which the library copies before it returns.
        library.check(unsafe {
            (library.functions.matrix_from_dense)(array.as_ptr(), config.as_ptr(), &mut handle)
        })?;
        let matrix = Matrix {
            library,
            handle,
            rows,
        };
        if columns.has_categories() {
            let types = types(columns);
            // SAFETY: a live handle and an array of C strings of the length given, copied by the
            // library.
            library.check(unsafe {
                (library.functions.matrix_set_texts)(
                    matrix.handle,
                    TYPES.as_ptr(),
                    types.as_ptr(),
                    types.len() as u64,
                )
            })?;
        }
        Ok(matrix)
    }

    /// Copies rows with their `labels`, and the `weights` of rows if they have any.
    pub fn labelled(
        library: &'static Xgboost,
        inputs: Inputs<'_>,
        columns: &Columns,
        labels: &[f32],
        weights: Option<&[f32]>,
    ) -> Result<Matrix, EngineError> {
        let matrix = Matrix::new(library, inputs, columns)?;
        matrix.set_floats(c"label", labels)?;
        if let Some(weights) = weights {
            matrix.set_floats(c"weight", weights)?;
        }
        Ok(matrix)
    }

    fn set_floats(&self, field: &CStr, values: &[f32]) -> Result<(), EngineError> {
        // SAFETY: a live handle and an array of the length given, copied by the library.
        self.library.check(unsafe {
            (self.library.functions.matrix_set_float)(
                self.handle,
                field.as_ptr(),
                values.as_ptr(),
                values.len() as u64,
            )
        })
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and this is its only owner. Boosters hold their own counted
        // reference to the rows.
        unsafe { (self.library.functions.matrix_free)(self.handle) };
    }
}

/// A boosted ensemble; of one thread, as its type says by holding a raw handle.
pub(super) struct Booster {
    library: &'static Xgboost,
    handle: Handle,
}

impl Booster {
    /// An empty ensemble that caches its predictions for `matrices`.
    pub fn new(library: &'static Xgboost, matrices: &[&Matrix]) -> Result<Booster, EngineError> {
        let handles: Vec<Handle> = matrices.iter().map(|matrix| matrix.handle).collect();
        let mut handle = ptr::null_mut();
        // SAFETY: an array of live handles and its length.
        library.check(unsafe {
            (library.functions.create)(handles.as_ptr(), handles.len() as u64, &mut handle)
        })?;
        Ok(Booster { library, handle })
    }

    pub fn set(&self, name: &str, value: &str) -> Result<(), EngineError> {
        let (name, value) = (WANTED.text(name)?, WANTED.text(value)?);
        // SAFETY: a live handle and two C strings that outlive the call.
        self.library.check(unsafe {
            (self.library.functions.set_param)(self.handle, name.as_ptr(), value.as_ptr())
        })
    }

    /// Adds the trees of round `round`, from 0.
    pub fn update(&mut self, round: u32, train: &Matrix) -> Result<(), EngineError> {
        // SAFETY: two live handles.
        self.library.check(unsafe {
            (self.library.functions.update)(self.handle, round as c_int, train.handle)
        })
    }

    /// The one evaluation metric that is set, on `matrix`.
    pub fn evaluate(&mut self, round: u32, matrix: &Matrix) -> Result<f64, EngineError> {
        let (names, mut text) = ([c"rows".as_ptr()], ptr::null());
        // SAFETY: live handles and arrays of length 1; the text is read before the next call.
        let text = unsafe {
            let functions = &self.library.functions;
            self.library.check((functions.eval)(
                self.handle,
                round as c_int,
                &matrix.handle,
                names.as_ptr(),
                1,
                &mut text,
            ))?;
            CStr::from_ptr(text).to_string_lossy()
        };
        // "[0]\trows-mlogloss:0.75"
        text.rsplit(':')
            .next()
            .and_then(|number| number.trim().parse().ok())
            .ok_or_else(|| WANTED.failure(format!("no number in its evaluation \"{text}\"")))
    }

    /// Class probabilities, or numbers, of all rounds, row-major [rows, `outputs`].
    pub fn predict(&mut self, matrix: &Matrix, outputs: usize) -> Result<Vec<f32>, EngineError> {
        let config =
            c"{\"type\": 0, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \
                       \"strict_shape\": true}";
        let (mut shape, mut dimensions, mut values) = (ptr::null(), 0, ptr::null());
        // SAFETY: live handles and places to write to. The library says how large what it lends is, and it is copied
        // before the next call.
        let (shape, values) = unsafe {
            self.library.check((self.library.functions.predict)(
                self.handle,
                matrix.handle,
                config.as_ptr(),
                &mut shape,
                &mut dimensions,
                &mut values,
            ))?;
            let shape = slice::from_raw_parts(shape, dimensions as usize).to_vec();
            let count: u64 = shape.iter().product();
            (
                shape,
                slice::from_raw_parts(values, count as usize).to_vec(),
            )
        };
        if shape != [matrix.rows as u64, outputs as u64] {
            return Err(WANTED.failure(format!(
                "it predicted {shape:?} values for {} rows and {outputs} outputs",
                matrix.rows
            )));
        }
        Ok(values)
    }

    /// Total gain of the splits on each of `columns` unnamed columns.
    pub fn total_gain(&self, columns: usize) -> Result<Vec<f64>, EngineError> {
        let config = c"{\"importance_type\": \"total_gain\"}";
        let (mut count, mut names, mut dimensions) = (0, ptr::null(), 0);
        let (mut shape, mut scores) = (ptr::null(), ptr::null());
        let mut gains = vec![0.0; columns];
        // SAFETY: a live handle and places to write to; of one-dimensional scores there are as many
        // as names, and both are read before the next call.
        unsafe {
            self.library.check((self.library.functions.score)(
                self.handle,
                config.as_ptr(),
                &mut count,
                &mut names,
                &mut dimensions,
                &mut shape,
                &mut scores,
            ))?;
            for place in 0..count as usize {
                let name = CStr::from_ptr(*names.add(place)).to_string_lossy();
                let gain = name
                    .strip_prefix('f')
                    .and_then(|index| index.parse::<usize>().ok())
                    .and_then(|index| gains.get_mut(index))
                    .ok_or_else(|| WANTED.failure(format!("it scored a feature \"{name}\"")))?;
                *gain = f64::from(*scores.add(place));
            }
        }
        Ok(gains)
    }

    /// The first `rounds` rounds.
    pub fn first(&self, rounds: u32) -> Result<Booster, EngineError> {
        let mut handle = ptr::null_mut();
        // SAFETY: a live handle and a place to write to.
        self.library.check(unsafe {
            (self.library.functions.slice)(self.handle, 0, rounds as c_int, 1, &mut handle)
        })?;
        Ok(Booster {
            library: self.library,
            handle,
        })
    }

    /// Keeps the names and the types of its columns, in their order.
    pub fn describe(&self, names: &[String], columns: &Columns) -> Result<(), EngineError> {
        let names: Vec<CString> = names
            .iter()
            .map(|name| WANTED.text(name))
            .collect::<Result<_, _>>()?;
        let names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        self.set_texts(c"feature_name", &names)?;
        if columns.has_categories() {
            self.set_texts(TYPES, &types(columns))?;
        }
        Ok(())
    }

    fn set_texts(&self, field: &CStr, texts: &[*const c_char]) -> Result<(), EngineError> {
        // SAFETY: a live handle and an array of C strings of the length given, copied by the library.
        self.library.check(unsafe {
            (self.library.functions.set_texts)(
                self.handle,
                field.as_ptr(),
                texts.as_ptr(),
                texts.len() as u64,
            )
        })
    }

    /// Keeps a text of our own with the model.
    pub fn set_attribute(&self, name: &str, text: &str) -> Result<(), EngineError> {
        let (name, text) = (WANTED.text(name)?, WANTED.text(text)?);
        // SAFETY: a live handle and two C strings that outlive the call.
        self.library.check(unsafe {
            (self.library.functions.set_attribute)(self.handle, name.as_ptr(), text.as_ptr())
        })
    }

    /// XGBoost's own JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, EngineError> {
        let config = c"{\"format\": \"json\"}".as_ptr();
        let functions = &self.library.functions;
        // SAFETY: the places are those that `buffer` gives.
        self.buffer(|length, bytes| unsafe { (functions.save)(self.handle, config, length, bytes) })
    }

    pub fn read_json(&mut self, json: &[u8]) -> Result<(), EngineError> {
        let (bytes, length) = (json.as_ptr().cast(), json.len() as u64);
        // SAFETY: a live handle, and bytes with their length.
        self.library
            .check(unsafe { (self.library.functions.load_model)(self.handle, bytes, length) })
    }

    /// Model and settings, for resuming with the same version of the library.
    pub fn to_snapshot(&self) -> Result<Vec<u8>, EngineError> {
        let functions = &self.library.functions;
        // SAFETY: the places are those that `buffer` gives.
        self.buffer(|length, bytes| unsafe { (functions.serialize)(self.handle, length, bytes) })
    }

    pub fn read_snapshot(&mut self, snapshot: &[u8]) -> Result<(), EngineError> {
        let (bytes, length) = (snapshot.as_ptr().cast(), snapshot.len() as u64);
        // SAFETY: a live handle, and bytes with their length.
        self.library
            .check(unsafe { (self.library.functions.unserialize)(self.handle, bytes, length) })
    }

    /// Copies the buffer that `call` gets lent.
    fn buffer(
        &self,
        call: impl FnOnce(*mut u64, *mut *const c_char) -> c_int,
    ) -> Result<Vec<u8>, EngineError> {
        let (mut length, mut bytes) = (0, ptr::null());
        self.library.check(call(&mut length, &mut bytes))?;
        // SAFETY: the library lends `length` bytes until the next call on this handle.
        Ok(unsafe { slice::from_raw_parts(bytes.cast(), length as usize) }.to_vec())
    }
}

impl Drop for Booster {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and this is its only owner.
        unsafe { (self.library.functions.free)(self.handle) };
    }
}

/// The type of each column, as the library calls it.
fn types(columns: &Columns) -> Vec<*const c_char> {
    let columns = columns.are_categories().into_iter();
    let types = columns.map(|is_category| if is_category { c"c" } else { c"float" });
    types.map(CStr::as_ptr).collect()
}
