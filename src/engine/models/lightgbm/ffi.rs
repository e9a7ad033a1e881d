//! The part of LightGBM's C interface that training needs, loaded at run time (`LightGBM/c_api.h`,
//! <https://lightgbm.readthedocs.io/en/stable/C-API.html>).
//!
//! Invariant: every return code is checked, the library copies what it is given before it returns, and every handle is
//! freed once, data sets after the ensembles that point to them. C++ exceptions end at the library's own boundary.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;
use sha2::{Digest, Sha256};

use super::super::boosting::Columns;
use super::super::library::{LIGHTGBM, Located, NotFound, Surroundings, Wanted, find, functions};
use crate::EngineError;
use sweep_data::Inputs;

/// The library, and where to get it.
pub(super) static WANTED: Wanted = Wanted {
    label: "LightGBM",
    file: "_lightgbm",
    variable: LIGHTGBM,
    command: "make lightgbm",
    folder: "lightgbm",
    package: "lightgbm",
};

/// Data types, as the library counts them.
const FLOAT32: c_int = 0;
const FLOAT64: c_int = 1;
/// What is predicted: outputs, or scores before the link function.
const OUTPUTS: c_int = 0;
const SCORES: c_int = 1;
/// Importance by the number of splits, and by gain.
const SPLITS: c_int = 0;
const GAIN: c_int = 1;
/// The rows that are trained on, and the first ones added to them.
const TRAIN: c_int = 0;
const VALID: c_int = 1;
/// All iterations.
const ALL: c_int = -1;

type Handle = *mut c_void;

functions! {
    last_error = c"LGBM_GetLastError": fn() -> *const c_char;
    log = c"LGBM_RegisterLogCallback": fn(extern "C" fn(*const c_char)) -> c_int;
    data_from_dense = c"LGBM_DatasetCreateFromMat":
        fn(*const c_void, c_int, i32, i32, c_int, *const c_char, Handle, *mut Handle) -> c_int;
    data_set_field = c"LGBM_DatasetSetField":
        fn(Handle, *const c_char, *const c_void, c_int, c_int) -> c_int;
    data_set_names = c"LGBM_DatasetSetFeatureNames":
        fn(Handle, *const *const c_char, c_int) -> c_int;
    data_free = c"LGBM_DatasetFree": fn(Handle) -> c_int;
    create = c"LGBM_BoosterCreate": fn(Handle, *const c_char, *mut Handle) -> c_int;
    free = c"LGBM_BoosterFree": fn(Handle) -> c_int;
    add_valid = c"LGBM_BoosterAddValidData": fn(Handle, Handle) -> c_int;
    merge = c"LGBM_BoosterMerge": fn(Handle, Handle) -> c_int;
    reset = c"LGBM_BoosterResetParameter": fn(Handle, *const c_char) -> c_int;
    update = c"LGBM_BoosterUpdateOneIter": fn(Handle, *mut c_int) -> c_int;
    iterations = c"LGBM_BoosterGetCurrentIteration": fn(Handle, *mut c_int) -> c_int;
    eval = c"LGBM_BoosterGetEval": fn(Handle, c_int, *mut c_int, *mut f64) -> c_int;
    eval_count = c"LGBM_BoosterGetEvalCounts": fn(Handle, *mut c_int) -> c_int;
    predicted_count = c"LGBM_BoosterGetNumPredict": fn(Handle, c_int, *mut i64) -> c_int;
    predicted = c"LGBM_BoosterGetPredict": fn(Handle, c_int, *mut i64, *mut f64) -> c_int;
    predict = c"LGBM_BoosterPredictForMat":
        fn(Handle, *const c_void, c_int, i32, i32, c_int, c_int, c_int, c_int, *const c_char, *mut i64, *mut f64)
            -> c_int;
    importance = c"LGBM_BoosterFeatureImportance": fn(Handle, c_int, c_int, *mut f64) -> c_int;
    features = c"LGBM_BoosterGetNumFeature": fn(Handle, *mut c_int) -> c_int;
    classes = c"LGBM_BoosterGetNumClasses": fn(Handle, *mut c_int) -> c_int;
    save = c"LGBM_BoosterSaveModelToString":
        fn(Handle, c_int, c_int, c_int, i64, *mut i64, *mut c_char) -> c_int;
    read = c"LGBM_BoosterLoadModelFromString":
        fn(*const c_char, *mut c_int, *mut Handle) -> c_int;
    // Not called: libraries before 4.0 lack it.
    _loaded_param = c"LGBM_BoosterGetLoadedParam":
        fn(Handle, i64, *mut i64, *mut c_char) -> c_int;
}

/// The loaded library.
pub(super) struct Lightgbm {
    functions: Functions,
    pub located: Located,
    /// Never closed: its OpenMP threads would outlive it.
    _library: Library,
}

/// The library, loaded on the first call.
pub(super) fn library() -> Result<&'static Lightgbm, &'static NotFound> {
    static LIBRARY: OnceLock<Result<Lightgbm, NotFound>> = OnceLock::new();
    let found = LIBRARY.get_or_init(|| load(&Surroundings::here(&WANTED)));
    found.as_ref()
}

/// Loads the first library that will do.
pub(super) fn load(around: &Surroundings) -> Result<Lightgbm, NotFound> {
    find(&WANTED, around, open)
}

fn open(path: &Path, by: &'static str) -> Result<Lightgbm, String> {
    // SAFETY: running the constructors of a library is what the user asked for by putting it there.
    let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: a library of this name that has all these symbols is lib_lightgbm, whose C interface
    // keeps their types.
    let functions = unsafe { Functions::load(&library) }
        .map_err(|error| format!("it is not a lib_lightgbm of 4.0 or newer: {error}"))?;
    Ok(Lightgbm {
        functions,
        located: Located {
            path: path.to_owned(),
            version: version_beside(path),
            by,
        },
        _library: library,
    })
}

/// The version that Python's package says it is, in `VERSION.txt` above the library's folder: the library does not tell.
fn version_beside(path: &Path) -> Option<(i32, i32, i32)> {
    let folder = path.canonicalize().ok()?.parent()?.parent()?.to_owned();
    let text = fs::read_to_string(folder.join("VERSION.txt")).ok()?;
    let mut numbers = text.trim().splitn(3, '.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// Takes what the library would write to the terminal.
extern "C" fn no_log(_: *const c_char) {}

impl Lightgbm {
    /// Keeps the library from writing to the terminal, in this thread.
    pub fn hush(&self) -> Result<(), EngineError> {
        // SAFETY: a function that lives as long as the program, and does nothing.
        self.check(unsafe { (self.functions.log)(no_log) })
    }

    /// What numbers hang on besides the job: its version, or else the digest of its file.
    pub fn identity(&self) -> String {
        let digest = || match fs::read(&self.located.path) {
            Ok(bytes) => {
                let digest = Sha256::digest(bytes);
                let digits = digest[..8].iter().map(|byte| format!("{byte:02x}"));
                format!("of unknown version, SHA-256 {}", digits.collect::<String>())
            }
            Err(_) => "of unknown version".to_owned(),
        };
        self.located.version_text().unwrap_or_else(digest)
    }

    fn check(&self, code: c_int) -> Result<(), EngineError> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the library gives a C string of this thread, valid until its next error.
        let text = unsafe { CStr::from_ptr((self.functions.last_error)()) }.to_string_lossy();
        Err(WANTED.failure(text.trim()))
    }
}

/// Rows in the library's own layout, binned.
pub(super) struct Rows {
    library: &'static Lightgbm,
    handle: Handle,
}

impl Rows {
    /// Bins rows as `columns`: by their own values, or as `reference` was.
    pub fn new(
        library: &'static Lightgbm,
        inputs: Inputs<'_>,
        columns: &Columns,
        settings: &str,
        reference: Option<&Rows>,
    ) -> Result<Rows, EngineError> {
        let matrix = Dense::new(inputs, columns)?;
        let settings = WANTED.text(settings)?;
        let mut handle = ptr::null_mut();
        // SAFETY: the values are those of so many rows and columns, which the library bins before it returns; a live
        // reference or none; a C string and a place to write to.
        library.check(unsafe {
            (library.functions.data_from_dense)(
                matrix.values.as_ptr().cast(),
                FLOAT32,
                matrix.rows,
                matrix.columns,
                1,
                settings.as_ptr(),
                reference.map_or(ptr::null_mut(), |rows| rows.handle),
                &mut handle,
            )
        })?;
        Ok(Rows { library, handle })
    }

    /// Sets `label` or `weight`, one for each row.
    pub fn set_floats(&self, field: &CStr, values: &[f32]) -> Result<(), EngineError> {
        self.set(field, values.as_ptr().cast(), values.len(), FLOAT32)
    }

    /// Sets the scores to begin with, [outputs, rows].
    pub fn set_scores(&self, values: &[f64]) -> Result<(), EngineError> {
        self.set(c"init_score", values.as_ptr().cast(), values.len(), FLOAT64)
    }

    fn set(
        &self,
        field: &CStr,
        values: *const c_void,
        count: usize,
        kind: c_int,
    ) -> Result<(), EngineError> {
        let count = int(count, "values")?;
        // SAFETY: a live handle and an array of the length and type given, copied by the library.
        self.library.check(unsafe {
            (self.library.functions.data_set_field)(
                self.handle,
                field.as_ptr(),
                values,
                count,
                kind,
            )
        })
    }

    /// Names the columns, which models keep.
    pub fn set_names(&self, names: &[String]) -> Result<(), EngineError> {
        let names = { names.iter() }
            .map(|name| WANTED.text(name))
            .collect::<Result<Vec<_>, _>>()?;
        let pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let count = int(pointers.len(), "columns")?;
        // SAFETY: a live handle and an array of C strings of the length given, copied by the library.
        self.library.check(unsafe {
            (self.library.functions.data_set_names)(self.handle, pointers.as_ptr(), count)
        })
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: the handle is live, this is its only owner, and ensembles that point to it are gone.
        unsafe { (self.library.functions.data_free)(self.handle) };
    }
}

/// An ensemble; of one thread, as its type says by holding a raw handle.
pub(super) struct Booster {
    library: &'static Lightgbm,
    handle: Handle,
    /// What it points to: training rows, then validation rows.
    rows: Vec<Rows>,
}

impl Booster {
    /// An ensemble without trees that learns from `train` and keeps its predictions for `valid` too.
    pub fn new(
        library: &'static Lightgbm,
        settings: &str,
        train: Rows,
        valid: Rows,
    ) -> Result<Booster, EngineError> {
        let settings = WANTED.text(settings)?;
        let mut handle = ptr::null_mut();
        // SAFETY: a live handle, a C string and a place to write to.
        library.check(unsafe {
            (library.functions.create)(train.handle, settings.as_ptr(), &mut handle)
        })?;
        let booster = Booster {
            library,
            handle,
            rows: vec![train, valid],
        };
        let valid = booster.rows[1].handle;
        // SAFETY: two live handles; the ensemble owns the rows from here on.
        library.check(unsafe { (library.functions.add_valid)(booster.handle, valid) })?;
        Ok(booster)
    }

    /// Reads what [`Booster::to_text`] gave.
    pub fn read(library: &'static Lightgbm, text: &str) -> Result<Booster, EngineError> {
        let text = WANTED.text(text)?;
        let (mut iterations, mut handle) = (0, ptr::null_mut());
        // SAFETY: a C string and two places to write to.
        library.check(unsafe {
            (library.functions.read)(text.as_ptr(), &mut iterations, &mut handle)
        })?;
        Ok(Booster {
            library,
            handle,
            rows: Vec::new(),
        })
    }

    /// Puts the trees of `first` before its own, whose scores are those that it began with.
    pub fn merge(&mut self, first: &Booster) -> Result<(), EngineError> {
        // SAFETY: two live handles; trees are copied.
        self.library
            .check(unsafe { (self.library.functions.merge)(self.handle, first.handle) })
    }

    /// Changes settings for the rounds to come.
    pub fn reset(&mut self, settings: &str) -> Result<(), EngineError> {
        let settings = WANTED.text(settings)?;
        // SAFETY: a live handle and a C string that outlives the call.
        self.library
            .check(unsafe { (self.library.functions.reset)(self.handle, settings.as_ptr()) })
    }

    /// Adds the trees of a round; none are added where none can be split.
    pub fn update(&mut self) -> Result<(), EngineError> {
        let mut is_finished = 0;
        // SAFETY: a live handle and a place to write to.
        self.library
            .check(unsafe { (self.library.functions.update)(self.handle, &mut is_finished) })
    }

    /// Rounds that have trees.
    pub fn iterations(&self) -> Result<u32, EngineError> {
        self.count(self.library.functions.iterations)
    }

    /// Number of columns.
    pub fn columns(&self) -> Result<u32, EngineError> {
        self.count(self.library.functions.features)
    }

    /// Outputs of a row.
    pub fn outputs(&self) -> Result<u32, EngineError> {
        self.count(self.library.functions.classes)
    }

    fn count(
        &self,
        of: unsafe extern "C" fn(Handle, *mut c_int) -> c_int,
    ) -> Result<u32, EngineError> {
        let mut count = 0;
        // SAFETY: a live handle and a place to write to.
        self.library.check(unsafe { of(self.handle, &mut count) })?;
        u32::try_from(count).map_err(|_| WANTED.failure(format!("it counted {count}")))
    }

    /// The one metric that is set, on training rows.
    pub fn train_metric(&mut self) -> Result<f64, EngineError> {
        let metrics = self.count(self.library.functions.eval_count)?;
        if metrics != 1 {
            return Err(WANTED.failure(format!("it evaluates {metrics} metrics instead of one")));
        }
        let (mut count, mut value) = (0, 0.0);
        // SAFETY: a live handle, and a place to write to for the one metric there is.
        self.library.check(unsafe {
            (self.library.functions.eval)(self.handle, TRAIN, &mut count, &mut value)
        })?;
        Ok(value)
    }

    /// Outputs for the validation rows after all rounds so far, [outputs, rows].
    pub fn valid_outputs(&mut self) -> Result<Vec<f64>, EngineError> {
        let mut count = 0;
        // SAFETY: a live handle and a place to write to.
        self.library.check(unsafe {
            (self.library.functions.predicted_count)(self.handle, VALID, &mut count)
        })?;
        let mut values = vec![0.0; count as usize];
        // SAFETY: a live handle, and a place for as many values as the library has just said.
        self.library.check(unsafe {
            (self.library.functions.predicted)(self.handle, VALID, &mut count, values.as_mut_ptr())
        })?;
        Ok(values)
    }

    /// Outputs of all rounds, row-major [rows, `width`].
    pub fn predict(
        &self,
        inputs: Inputs<'_>,
        columns: &Columns,
        width: usize,
    ) -> Result<Vec<f64>, EngineError> {
        self.predict_as(OUTPUTS, &Dense::new(inputs, columns)?, width)
    }

    /// Scores of all rounds before the link function, [`width`, rows].
    pub fn scores(
        &self,
        inputs: Inputs<'_>,
        columns: &Columns,
        width: usize,
    ) -> Result<Vec<f64>, EngineError> {
        let by_row = self.predict_as(SCORES, &Dense::new(inputs, columns)?, width)?;
        let of_output = |output| by_row.iter().skip(output).step_by(width).copied();
        Ok((0..width).flat_map(of_output).collect())
    }

    fn predict_as(
        &self,
        what: c_int,
        matrix: &Dense<'_>,
        width: usize,
    ) -> Result<Vec<f64>, EngineError> {
        if self.columns()? as i32 != matrix.columns || self.outputs()? as usize != width {
            return Err(WANTED.failure("the model is one of other columns or outputs"));
        }
        let mut values = vec![0.0; matrix.rows as usize * width];
        let (mut count, settings) = (0, c"num_threads=1 verbosity=-1");
        // SAFETY: a live handle, the values of so many rows and columns, a C string, and a place for as many outputs
        // as there are.
        self.library.check(unsafe {
            (self.library.functions.predict)(
                self.handle,
                matrix.values.as_ptr().cast(),
                FLOAT32,
                matrix.rows,
                matrix.columns,
                1,
                what,
                0,
                ALL,
                settings.as_ptr(),
                &mut count,
                values.as_mut_ptr(),
            )
        })?;
        match count as usize == values.len() {
            true => Ok(values),
            false => Err(WANTED.failure(format!(
                "it predicted {count} values instead of {}",
                values.len()
            ))),
        }
    }

    /// Total gain of the splits on each column.
    pub fn total_gain(&self) -> Result<Vec<f64>, EngineError> {
        let mut gains = vec![0.0; self.columns()? as usize];
        // SAFETY: a live handle, and a place for a number of each column.
        self.library.check(unsafe {
            (self.library.functions.importance)(self.handle, ALL, GAIN, gains.as_mut_ptr())
        })?;
        Ok(gains)
    }

    /// The first `iterations` in LightGBM's own text. Only gains are rounded there, so nothing in it hangs on them.
    pub fn to_text(&self, iterations: u32) -> Result<String, EngineError> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut length = 0;
        // The first time to learn the length, with the zero at its end.
        for _ in 0..2 {
            bytes.resize(length as usize, 0);
            // SAFETY: a live handle, and a buffer of the length given.
            self.library.check(unsafe {
                (self.library.functions.save)(
                    self.handle,
                    0,
                    iterations as c_int,
                    SPLITS,
                    bytes.len() as i64,
                    &mut length,
                    bytes.as_mut_ptr().cast(),
                )
            })?;
        }
        let text = CStr::from_bytes_until_nul(&bytes).map(CStr::to_str);
        match text {
            Ok(Ok(text)) => Ok(text.to_owned()),
            _ => Err(WANTED.failure("it wrote a model that is no text")),
        }
    }
}

impl Drop for Booster {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and this is its only owner; its rows are freed after it.
        unsafe { (self.library.functions.free)(self.handle) };
    }
}

/// Rows as the library reads them.
struct Dense<'a> {
    values: std::borrow::Cow<'a, [f32]>,
    rows: i32,
    columns: i32,
}

impl Dense<'_> {
    fn new<'a>(inputs: Inputs<'a>, columns: &Columns) -> Result<Dense<'a>, EngineError> {
        let values = columns.values(inputs);
        Ok(Dense {
            rows: int(values.len() / columns.count(), "rows")?,
            columns: int(columns.count(), "columns")?,
            values,
        })
    }
}

/// A number of `what` as the library counts them.
fn int(count: usize, what: &str) -> Result<i32, EngineError> {
    i32::try_from(count).map_err(|_| WANTED.failure(format!("{count} {what} are too many for it")))
}
