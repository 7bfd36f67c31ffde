/*
 * Stands between a program and the kernel's file calls, by LD_PRELOAD. For files below SHIM_ROOT it
 *
 * 1. records, in the order in which they were made, all calls that change what a disk holds, and what the program
 *    printed in between, to SHIM_LOG: from this the states are built that a power cut could leave;
 * 2. makes the n-th call of some kind fail, as it is told by the name of a file that is opened:
 *    /pawl-shim/arm/<kinds>/<n>/<action>/<errno> arms it, /pawl-shim/count holds how many were seen and how many failed.
 *
 * A record: op (u32), length of the path (u32), offset (u64), length of the data (u64), then path and data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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
#include <unistd.h>

enum op { CREATE = 1, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR, SYNC_FOLDER, TOLD };
enum kind { ON_WRITE = 1, ON_SYNC = 2, ON_TRUNCATE = 4, ON_UNLINK = 8, ON_OPEN = 16, ON_LOCK = 32, ON_MAP = 64 };
enum action { NOTHING, KILL, SHORT_KILL, FAIL_ONCE, FAIL_ALWAYS, SHORT };

#define MAX_FDS 4096
#define MAX_FILES 65536
#define CONTROL "/pawl-shim/"

struct open_file {
  int watched; /* 0 no, 1 a file, 2 a folder, 3 shared memory: recorded as nothing, but it may fail */
  uint64_t id;
  char *path;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct open_file files[MAX_FDS];
/* Numbers of inodes come again: each file that was made has a number of its own. */
static ino_t inodes[MAX_FILES];
static uint64_t count_files;
static const char *root;
static size_t root_length;
static int log_fd = -1;
static int kinds, action, fault_errno;
static long at, seen, fired;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_fcntl)(int, int, ...);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

__attribute__((constructor)) static void begin(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  real_fcntl = dlsym(RTLD_NEXT, "fcntl64");
  real_mmap = dlsym(RTLD_NEXT, "mmap64");
  root = getenv("SHIM_ROOT");
  root_length = root == NULL ? 0 : strlen(root);
  const char *log = getenv("SHIM_LOG");
  if (log != NULL && *log != 0) log_fd = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  /* Programs that this one starts are none of its business. */
  unsetenv("LD_PRELOAD");
}

static int is_below(const char *path) {
  return root_length > 0 && path != NULL && strncmp(path, root, root_length) == 0;
}

static int is_shared_memory(const char *path) {
  size_t length = strlen(path);
  return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

static struct open_file *watched(int fd) {
  if (fd < 0 || fd >= MAX_FDS || files[fd].watched == 0) return NULL;
  return &files[fd];
}

static void put(const void *bytes, size_t length) {
  const char *from = bytes;
  while (length > 0) {
    long done = syscall(SYS_write, log_fd, from, length);
    if (done <= 0) abort();
    from += done;
    length -= (size_t)done;
  }
}

/* What is about a file that is open names it by its number. */
static void record(enum op op, const char *path, uint64_t offset, const void *data, uint64_t length) {
  if (log_fd < 0) return;
  int saved = errno;
  uint32_t head[2] = {op, path == NULL ? 0 : (uint32_t)strlen(path)};
  uint64_t numbers[2] = {offset, length};
  put(head, sizeof head);
  put(numbers, sizeof numbers);
  if (head[1] > 0) put(path, head[1]);
  if (length > 0 && data != NULL) put(data, length);
  errno = saved;
}

static void record_on(enum op op, struct open_file *file, uint64_t offset, const void *data, uint64_t length) {
  if (file->watched != 1) return;
  char name[24];
  snprintf(name, sizeof name, "%llu", (unsigned long long)file->id);
  record(op, name, offset, data, length);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* What is to become of this call; dies here where it is to die before it. */
static enum action fate(enum kind kind) {
  if (action == NOTHING || (kinds & kind) == 0) return NOTHING;
  seen += 1;
  if (action == FAIL_ALWAYS ? seen < at : seen != at) return NOTHING;
  fired += 1;
  if (action == KILL) die();
  errno = fault_errno;
  return action;
}

static int is_failure(enum action what) { return what == FAIL_ONCE || what == FAIL_ALWAYS; }

static int control(const char *path) {
  char text[64];
  if (sscanf(path, CONTROL "arm/%d/%ld/%d/%d", &kinds, &at, &action, &fault_errno) == 4) seen = fired = 0;
  int length = snprintf(text, sizeof text, "%ld %ld", seen, fired);
  int fd = memfd_create("pawl-shim", MFD_CLOEXEC);
  if (fd >= 0 && real_pwrite(fd, text, (size_t)length, 0) != length) return -1;
  return fd;
}

static uint64_t number_of(int fd, int is_new, int *is_folder) {
  struct stat stats;
  if (fstat(fd, &stats) != 0) return 0;
  *is_folder = S_ISDIR(stats.st_mode);
  for (uint64_t id = count_files; !is_new && id > 0; id -= 1)
    if (inodes[id] == stats.st_ino) return id;
  if (count_files + 1 >= MAX_FILES) abort();
  count_files += 1;
  inodes[count_files] = stats.st_ino;
  return count_files;
}

static void opened(int fd, const char *path, int flags, int was_there) {
  if (fd < 0 || fd >= MAX_FDS) return;
  int is_folder = 0;
  uint64_t id = number_of(fd, !was_there, &is_folder);
  files[fd].watched = is_folder ? 2 : is_shared_memory(path) ? 3 : 1;
  files[fd].id = id;
  free(files[fd].path);
  files[fd].path = strdup(path);
  if (files[fd].watched != 1) return;
  if (!was_there) record(CREATE, path, id, NULL, 0);
  if (was_there && (flags & O_TRUNC)) record_on(TRUNCATE, &files[fd], 0, NULL, 0);
}

static int open_here(const char *path, int flags, mode_t mode) {
  if (path != NULL && strncmp(path, CONTROL, strlen(CONTROL)) == 0) return control(path);
  if (!is_below(path)) return real_open(path, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat stats;
  int was_there = stat(path, &stats) == 0;
  int fd = is_failure(fate(ON_OPEN)) ? -1 : real_open(path, flags, mode);
  int saved = errno;
  if (fd >= 0) opened(fd, path, flags, was_there);
  errno = saved;
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_in(int flags, va_list arguments) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_here(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_here(path, flags, mode);
}

int close(int fd) {
  if (fd >= 0 && fd < MAX_FDS) files[fd].watched = 0;
  return real_close(fd);
}

static ssize_t pwrite_here(int fd, const void *data, size_t length, off_t offset) {
  struct open_file *file = watched(fd);
  if (file == NULL) return real_pwrite(fd, data, length, offset);
  pthread_mutex_lock(&lock);
  enum action what = fate(ON_WRITE);
  ssize_t done = -1;
  if (!is_failure(what)) {
    size_t part = what == NOTHING ? length : length / 2;
    done = real_pwrite(fd, data, part, offset);
    if (done > 0) record_on(WRITE, file, (uint64_t)offset, data, (uint64_t)done);
    if (what == SHORT_KILL) die();
  }
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite_here(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite_here(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
  struct open_file *file = watched(fd);
  if (fd != 1 && file == NULL) return real_write(fd, data, length);
  pthread_mutex_lock(&lock);
  if (fd == 1) record(TOLD, NULL, 0, data, length);
  else record_on(WRITE, file, (uint64_t)lseek(fd, 0, SEEK_CUR), data, length);
  ssize_t done = real_write(fd, data, length);
  pthread_mutex_unlock(&lock);
  return done;
}

static int sync_here(int fd, int (*real)(int)) {
  struct open_file *file = watched(fd);
  if (file == NULL) return real(fd);
  pthread_mutex_lock(&lock);
  enum action what = fate(ON_SYNC);
  int result = is_failure(what) ? -1 : real(fd);
  if (result == 0 && file->watched == 2) record(SYNC_FOLDER, file->path, 0, NULL, 0);
  if (result == 0) record_on(SYNC, file, 0, NULL, 0);
  if (what == SHORT_KILL) die();
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return sync_here(fd, real_fsync); }
int fdatasync(int fd) { return sync_here(fd, real_fdatasync); }

static int ftruncate_here(int fd, off_t size) {
  struct open_file *file = watched(fd);
  if (file == NULL) return real_ftruncate(fd, size);
  pthread_mutex_lock(&lock);
  enum action what = fate(ON_TRUNCATE);
  int result = is_failure(what) ? -1 : real_ftruncate(fd, size);
  if (result == 0) record_on(TRUNCATE, file, (uint64_t)size, NULL, 0);
  if (what == SHORT_KILL) die();
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t size) { return ftruncate_here(fd, size); }
int ftruncate64(int fd, off_t size) { return ftruncate_here(fd, size); }

int unlink(const char *path) {
  if (!is_below(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  enum action what = fate(ON_UNLINK);
  int result = is_failure(what) ? -1 : real_unlink(path);
  if (result == 0) record(UNLINK, path, 0, NULL, 0);
  if (what == SHORT_KILL) die();
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  if (!is_below(from)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  int result = real_rename(from, to);
  if (result == 0) record(RENAME, from, 0, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  if (!is_below(path)) return real_mkdir(path, mode);
  pthread_mutex_lock(&lock);
  int result = real_mkdir(path, mode);
  if (result == 0) record(MKDIR, path, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

static int fcntl_here(int fd, int command, void *argument) {
  struct open_file *file = watched(fd);
  if (file == NULL || (command != F_SETLK && command != F_SETLKW)) return real_fcntl(fd, command, argument);
  /* Nobody fails to let a lock go. */
  if (((struct flock *)argument)->l_type == F_UNLCK) return real_fcntl(fd, command, argument);
  pthread_mutex_lock(&lock);
  int result = is_failure(fate(ON_LOCK)) ? -1 : real_fcntl(fd, command, argument);
  pthread_mutex_unlock(&lock);
  return result;
}

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fcntl_here(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fcntl_here(fd, command, argument);
}

/* Memory is asked for before there is a descriptor, and before this library is ready. */
static void *mmap_here(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  if (real_mmap == NULL) real_mmap = dlsym(RTLD_NEXT, "mmap64");
  if (watched(fd) == NULL) return real_mmap(address, length, protection, flags, fd, offset);
  pthread_mutex_lock(&lock);
  void *result =
      is_failure(fate(ON_MAP)) ? MAP_FAILED : real_mmap(address, length, protection, flags, fd, offset);
  pthread_mutex_unlock(&lock);
  return result;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap_here(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap_here(address, length, protection, flags, fd, offset);
}
