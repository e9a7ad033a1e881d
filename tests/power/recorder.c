/* Records what a process does to the files below one folder: preloaded into every process of a sweep
   (LD_PRELOAD), it appends one entry for each operation to one log, which all of them share.

   Invariant: the order of the log is an order in which the operations happened. An operation and its entry are
   made under one lock, which all processes share; an operation that failed leaves no entry.

   SWEEP_POWER_ROOT is the folder, an absolute path without symbolic links; SWEEP_POWER_LOG is the log, which
   must exist; `recording.rs` reads it. Where SWEEP_POWER_KILL is set, a process
   kills itself after its first rename. Files are identified by their inode number, so that what is written through
   any descriptor, however it was passed on, is known to be of that file. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Kinds of entries, as in recording.rs. */
enum kind { CREATE = 1, MKDIR, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, LINK, SYNC_ALL };

struct entry {
  uint32_t kind, pid;
  uint64_t inode, at;
  uint32_t path, second, bytes, unused;
};

/* Shared writable mappings, whose contents are recorded when the process waits for the disk. */
enum { MAPPINGS = 64 };
struct mapping {
  void *start;
  size_t length;
  uint64_t inode, at;
};

static char root[PATH_MAX];
static size_t root_length;
static dev_t root_device;
static int log_file = -1;
static int dies_at_rename;
static pthread_mutex_t *lock;
static struct mapping mappings[MAPPINGS];

/* Where files are as long as numbers are, the two names mean one function. */
#define SAME_AS(name) __attribute__((alias(#name)))

static void give_up(const char *what) {
  fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
  abort();
}

/* The lock lives in a file beside the log; the first process makes it. */
static void open_lock(const char *log_path) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s.lock", log_path);
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int first = file >= 0;
  if (!first) file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0 || (first && syscall(SYS_ftruncate, file, sizeof *lock))) give_up(path);
  lock = (void *)syscall(SYS_mmap, NULL, sizeof *lock, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (lock == MAP_FAILED) give_up(path);
  syscall(SYS_close, file);
  if (first) {
    pthread_mutexattr_t of_all;
    pthread_mutexattr_init(&of_all);
    pthread_mutexattr_setpshared(&of_all, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&of_all, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &of_all);
  }
}

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("SWEEP_POWER_ROOT"), *log_path = getenv("SWEEP_POWER_LOG");
  struct stat found;
  if (!folder || !log_path) return;
  dies_at_rename = getenv("SWEEP_POWER_KILL") != NULL;
  if (stat(folder, &found)) give_up(folder);
  root_device = found.st_dev;
  root_length = snprintf(root, sizeof root, "%s/", folder);
  open_lock(log_path);
  log_file = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log_file < 0) give_up(log_path);
}

static void enter(void) {
  /* A process that was killed under the lock left nothing that is half done but its own operation. */
  if (pthread_mutex_lock(lock) == EOWNERDEAD) pthread_mutex_consistent(lock);
}

static void leave(void) {
  int kept = errno;
  pthread_mutex_unlock(lock);
  errno = kept;
}

static void put(enum kind kind, uint64_t inode, uint64_t at, const char *path, const char *second,
                const void *bytes, size_t length) {
  int kept = errno;
  struct entry entry = {kind, getpid(), inode, at, path ? strlen(path) : 0, second ? strlen(second) : 0, length, 0};
  struct iovec parts[] = {{&entry, sizeof entry},
                          {(void *)path, entry.path},
                          {(void *)second, entry.second},
                          {(void *)bytes, length}};
  size_t total = sizeof entry + entry.path + entry.second + length;
  if ((size_t)syscall(SYS_writev, log_file, parts, 4) != total) give_up("the log");
  if (kind == RENAME && dies_at_rename) raise(SIGKILL);
  errno = kept;
}

/* The absolute path of `path`, if it is below the root. */
static const char *below_root(int folder, const char *path, char *buffer) {
  if (log_file < 0 || !path) return NULL;
  if (path[0] == '/') {
    snprintf(buffer, PATH_MAX, "%s", path);
  } else {
    char link[64], base[PATH_MAX];
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
    if (length < 0) return NULL;
    base[length] = 0;
    if (snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
  }
  return strncmp(buffer, root, root_length) ? NULL : buffer;
}

/* Whether `file` is an ordinary file, or a folder, of the root's file system. */
static int is_recorded(int file, struct stat *found) {
  int kept = errno;
  int known = log_file >= 0 && !fstat(file, found) && found->st_dev == root_device &&
              (S_ISREG(found->st_mode) || S_ISDIR(found->st_mode));
  errno = kept;
  return known;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  struct stat found;
  const char *name = flags & (O_CREAT | O_TRUNC) ? below_root(folder, path, buffer) : NULL;
  if (!name) return syscall(SYS_openat, folder, path, flags, mode);
  enter();
  int existed = !fstatat(folder, path, &found, 0);
  int file = syscall(SYS_openat, folder, path, flags, mode);
  if (file >= 0 && !fstat(file, &found)) {
    if (!existed) put(CREATE, found.st_ino, 0, name, NULL, NULL, 0);
    else if (flags & O_TRUNC) put(TRUNCATE, found.st_ino, 0, NULL, NULL, NULL, 0);
  }
  leave();
  return file;
}

#define MODE(flags)                               \
  mode_t mode = 0;                                \
  if ((flags) & O_CREAT) {                        \
    va_list rest;                                 \
    va_start(rest, flags);                        \
    mode = va_arg(rest, mode_t);                  \
    va_end(rest);                                 \
  }

int open(const char *path, int flags, ...) {
  MODE(flags);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) SAME_AS(open);
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags);
  return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) SAME_AS(openat);

ssize_t write(int file, const void *bytes, size_t length) {
  struct stat found;
  if (!is_recorded(file, &found)) return syscall(SYS_write, file, bytes, length);
  enter();
  ssize_t written = syscall(SYS_write, file, bytes, length);
  /* The position is behind what was written, also where that was appended. */
  if (written > 0) put(WRITE, found.st_ino, lseek(file, 0, SEEK_CUR) - written, NULL, NULL, bytes, written);
  leave();
  return written;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  /* Part by part: a short write is always allowed. */
  ssize_t total = 0;
  for (int at = 0; at < count; at++) {
    if (!parts[at].iov_len) continue;
    ssize_t written = write(file, parts[at].iov_base, parts[at].iov_len);
    if (written < 0) return total ? total : written;
    total += written;
    if ((size_t)written < parts[at].iov_len) break;
  }
  return total;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
  struct stat found;
  if (!is_recorded(file, &found)) return syscall(SYS_pwrite64, file, bytes, length, at);
  enter();
  ssize_t written = syscall(SYS_pwrite64, file, bytes, length, at);
  if (written > 0) put(WRITE, found.st_ino, at, NULL, NULL, bytes, written);
  leave();
  return written;
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) SAME_AS(pwrite);

int ftruncate(int file, off_t length) {
  struct stat found;
  if (!is_recorded(file, &found)) return syscall(SYS_ftruncate, file, length);
  enter();
  int result = syscall(SYS_ftruncate, file, length);
  if (!result) put(TRUNCATE, found.st_ino, length, NULL, NULL, NULL, 0);
  leave();
  return result;
}
int ftruncate64(int file, off64_t length) SAME_AS(ftruncate);

/* Allocation that makes a file longer is a change of its length. */
static int sync_by(long call, int file) {
  struct stat found;
  if (!is_recorded(file, &found)) return syscall(call, file);
  enter();
  for (struct mapping *map = mappings; map < mappings + MAPPINGS; map++)
    if (map->start) put(WRITE, map->inode, map->at, NULL, NULL, map->start, map->length);
  int result = syscall(call, file);
  if (!result) put(SYNC, found.st_ino, 0, NULL, NULL, NULL, 0);
  leave();
  return result;
}
int fsync(int file) { return sync_by(SYS_fsync, file); }
int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }

int syncfs(int file) {
  struct stat found;
  if (!is_recorded(file, &found)) return syscall(SYS_syncfs, file);
  enter();
  int result = syscall(SYS_syncfs, file);
  if (!result) put(SYNC_ALL, 0, 0, NULL, NULL, NULL, 0);
  leave();
  return result;
}

static int make_folder(int folder, const char *path, mode_t mode) {
  char buffer[PATH_MAX];
  struct stat found;
  const char *name = below_root(folder, path, buffer);
  if (!name) return syscall(SYS_mkdirat, folder, path, mode);
  enter();
  int result = syscall(SYS_mkdirat, folder, path, mode);
  if (!result && !fstatat(folder, path, &found, 0)) put(MKDIR, found.st_ino, 0, name, NULL, NULL, 0);
  leave();
  return result;
}
int mkdir(const char *path, mode_t mode) { return make_folder(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { return make_folder(folder, path, mode); }

static int remove_at(int folder, const char *path, int flags) {
  char buffer[PATH_MAX];
  const char *name = below_root(folder, path, buffer);
  if (!name) return syscall(SYS_unlinkat, folder, path, flags);
  enter();
  int result = syscall(SYS_unlinkat, folder, path, flags);
  if (!result) put(UNLINK, 0, 0, name, NULL, NULL, 0);
  leave();
  return result;
}
int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int folder, const char *path, int flags) { return remove_at(folder, path, flags); }

/* A name given to a file that has one: `kind` is RENAME or LINK. */
static int name_at(enum kind kind, int from, const char *old, int to, const char *new, int flags) {
  char first[PATH_MAX], second[PATH_MAX];
  const char *source = below_root(from, old, first), *target = below_root(to, new, second);
  if (source || target) enter();
  int result = kind == RENAME ? syscall(SYS_renameat2, from, old, to, new, 0)
                              : syscall(SYS_linkat, from, old, to, new, flags);
  if (!source && !target) return result;
  /* One end outside of the root is kept as it is given, so that the reader can say so. */
  if (!result) put(kind, 0, 0, source ? source : old, target ? target : new, NULL, 0);
  leave();
  return result;
}
int rename(const char *old, const char *new) { return name_at(RENAME, AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return name_at(RENAME, from, old, to, new, 0); }
int link(const char *old, const char *new) { return name_at(LINK, AT_FDCWD, old, AT_FDCWD, new, 0); }
int linkat(int from, const char *old, int to, const char *new, int flags) {
  return name_at(LINK, from, old, to, new, flags);
}

void *mmap(void *start, size_t length, int access, int flags, int file, off_t at) {
  struct stat found;
  void *mapped = (void *)syscall(SYS_mmap, start, length, access, flags, file, at);
  int is_shared = (flags & MAP_TYPE) == MAP_SHARED && access & PROT_WRITE && file >= 0;
  if (mapped == MAP_FAILED || !is_shared || !is_recorded(file, &found)) return mapped;
  enter();
  struct mapping *free_one = mappings;
  while (free_one < mappings + MAPPINGS && free_one->start) free_one++;
  if (free_one == mappings + MAPPINGS) give_up("too many mappings");
  *free_one = (struct mapping){mapped, length, found.st_ino, at};
  leave();
  return mapped;
}
void *mmap64(void *start, size_t length, int access, int flags, int file, off64_t at) SAME_AS(mmap);

int munmap(void *start, size_t length) {
  for (struct mapping *map = mappings; log_file >= 0 && start && map < mappings + MAPPINGS; map++)
    if (map->start == start) {
      enter();
      /* What it held last. */
      put(WRITE, map->inode, map->at, NULL, NULL, map->start, map->length);
      map->start = NULL;
      leave();
    }
  return syscall(SYS_munmap, start, length);
}
