//! A thin layer over SQLite's own file system: it tells the model of the disk of each write, cut and
//! sync, and fails or hangs where the model says so. Files themselves, locks and shared memory stay
//! SQLite's own.
#![expect(unsafe_code, reason = "SQLite's file system is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use rusqlite::ffi;

use crate::disk::DISKS;

/// An open file: where it lies, and SQLite's own functions for it.
#[derive(Clone)]
struct Opened {
    path: PathBuf,
    own: &'static ffi::sqlite3_io_methods,
}

/// The open files by the address of SQLite's structure.
static OPENED: LazyLock<Mutex<HashMap<usize, Opened>>> = LazyLock::new(Mutex::default);
/// Our tables, one for each of SQLite's.
static TABLES: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);
/// SQLite's own file system.
static OWN: LazyLock<usize> = LazyLock::new(|| {
    // SAFETY: a null name asks for the default, which lives as long as the process.
    unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) }.addr()
});

/// Puts the layer under every connection that this process opens from now on.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let own = own_vfs();
        // SAFETY: a file system is plain data; the copy gets a name of its own and is never freed.
        let layer = Box::leak(Box::new(unsafe { std::ptr::read(own) }));
        layer.zName = c"disk-model".as_ptr();
        layer.pNext = std::ptr::null_mut();
        layer.xOpen = Some(open);
        layer.xDelete = Some(delete);
        // SAFETY: the layer lives as long as the process.
        let code = unsafe { ffi::sqlite3_vfs_register(layer, 1) };
        assert_eq!(code, ffi::SQLITE_OK);
    });
}

fn own_vfs() -> *mut ffi::sqlite3_vfs {
    std::ptr::with_exposed_provenance_mut(*OWN)
}

/// SAFETY: `name` is null or a C string.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: see above.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands its own arguments; its own function fills its own structure.
    unsafe {
        let own = own_vfs();
        let code = (*own).xOpen.unwrap()(own, name, file, flags, out);
        if let (ffi::SQLITE_OK, Some(path)) = (code, path_of(name)) {
            let methods: &'static ffi::sqlite3_io_methods = &*(*file).pMethods;
            let opened = Opened { path, own: methods };
            OPENED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(file.addr(), opened);
            (*file).pMethods = table_over(methods);
        }
        code
    }
}

/// SQLite's table with our functions for what changes a file.
fn table_over(own: &'static ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let address = *tables
        .entry(std::ptr::from_ref(own).addr())
        .or_insert_with(|| {
            // SAFETY: a table is plain data, and the copy is never freed.
            let mut table = unsafe { std::ptr::read(own) };
            table.xClose = Some(close);
            table.xWrite = Some(write);
            table.xTruncate = Some(truncate);
            table.xSync = Some(sync);
            std::ptr::from_ref(Box::leak(Box::new(table))).expose_provenance()
        });
    std::ptr::with_exposed_provenance(address)
}

fn opened(file: *mut ffi::sqlite3_file) -> Opened {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.get(&file.addr()).cloned().unwrap()
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let Opened { own, .. } = opened(file);
    OPENED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&file.addr());
    // SAFETY: SQLite's own function on its own structure.
    unsafe { own.xClose.unwrap()(file) }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    octets: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    let Opened { path, own } = opened(file);
    if let Some(code) = DISKS.before_write(&path) {
        return code;
    }
    let length = usize::try_from(count).unwrap();
    // SAFETY: SQLite's own function on its own structure; it hands `count` octets.
    unsafe {
        let code = own.xWrite.unwrap()(file, octets, count, at);
        if code == ffi::SQLITE_OK {
            let octets = std::slice::from_raw_parts(octets.cast::<u8>(), length);
            DISKS.wrote(&path, usize::try_from(at).unwrap(), octets);
        }
        code
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    let Opened { path, own } = opened(file);
    // SAFETY: SQLite's own function on its own structure.
    let code = unsafe { own.xTruncate.unwrap()(file, size) };
    if code == ffi::SQLITE_OK {
        DISKS.truncated(&path, usize::try_from(size).unwrap());
    }
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let Opened { path, own } = opened(file);
    // Under the model the model decides what is durable, and the real disk is spared.
    // SAFETY: SQLite's own function on its own structure.
    DISKS
        .sync(&path)
        .unwrap_or_else(|| unsafe { own.xSync.unwrap()(file, flags) })
}

unsafe extern "C" fn delete(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: SQLite's own function with its own arguments.
    unsafe {
        let own = own_vfs();
        let code = (*own).xDelete.unwrap()(own, name, sync_folder);
        if let (ffi::SQLITE_OK, Some(path)) = (code, path_of(name)) {
            DISKS.deleted(&path);
        }
        code
    }
}
