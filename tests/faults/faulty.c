/* Preloaded into a process, this lets the system calls that change a folder's files and names fail,
   one at a wish, and records those that did not: what a disk has seen, and in which order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOTHING, INPUT_OUTPUT, NO_SPACE, SHORT, TORN, KILLED, READ_ONLY };

static char folder[PATH_MAX];
static long calls, at;
static int fault, log_descriptor = -1;

void fault_watch(const char *path) { snprintf(folder, sizeof folder, "%s", path); }
void fault_arm(long number, int kind) { calls = 0; at = number; fault = kind; }
long fault_calls(void) { return calls; }
void fault_record(int descriptor) { log_descriptor = descriptor; }

static void log_bytes(const void *data, size_t size) {
    while (size > 0) {
        long done = syscall(SYS_write, log_descriptor, data, size);
        if (done <= 0) abort();
        data = (const char *)data + done;
        size -= done;
    }
}

/* Two processes may write into one record: a call and its place there go together. */
static void lock_record(int how) {
    int error = errno;
    if (log_descriptor >= 0) flock(log_descriptor, how);
    errno = error;
}

static void record(char kind, const char *path, long place, const void *data, long size) {
    if (log_descriptor < 0) return;
    char head[PATH_MAX + 64];
    int length = snprintf(head, sizeof head, "%c %ld %ld %s\n", kind, place, size, path);
    log_bytes(head, length);
    if (data) log_bytes(data, size);
}

void fault_note(const char *text) {
    lock_record(LOCK_EX);
    record('A', text, 0, NULL, 0);
    lock_record(LOCK_UN);
}

static int inside(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int watched(int descriptor, char *path) {
    char link[64];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

/* What is to happen to this call. */
static int due(void) {
    calls++;
    if (!at || calls < at) return NOTHING;
    if (fault == READ_ONLY) return fault;
    /* A short write is followed by one for which there is no space. */
    if (fault == SHORT && calls == at + 1) return NO_SPACE;
    return calls == at ? fault : NOTHING;
}

static int fails(int kind) {
    int error = kind == INPUT_OUTPUT ? EIO : kind == NO_SPACE ? ENOSPC : kind == READ_ONLY ? EROFS : 0;
    if (error) errno = error;
    return error;
}

static ssize_t write_at(int descriptor, const void *data, size_t size, off_t place, int has_place) {
    static ssize_t (*real_write)(int, const void *, size_t);
    static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
    if (!real_write) real_write = dlsym(RTLD_NEXT, "write");
    if (!real_pwrite) real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    char path[PATH_MAX];
    if (!watched(descriptor, path))
        return has_place ? real_pwrite(descriptor, data, size, place) : real_write(descriptor, data, size);
    int kind = due();
    if (kind == KILLED) kill(getpid(), SIGKILL);
    if (fails(kind)) return -1;
    if (kind == SHORT || kind == TORN) size = size / 2 ? size / 2 : size;
    lock_record(LOCK_EX);
    ssize_t done = has_place ? real_pwrite(descriptor, data, size, place) : real_write(descriptor, data, size);
    if (!has_place) place = lseek(descriptor, 0, SEEK_CUR) - done;
    if (done > 0) record('W', path, place, data, done);
    lock_record(LOCK_UN);
    if (kind == TORN) kill(getpid(), SIGKILL);
    return done;
}

ssize_t write(int d, const void *data, size_t size) { return write_at(d, data, size, 0, 0); }
ssize_t pwrite(int d, const void *data, size_t size, off_t place) { return write_at(d, data, size, place, 1); }
ssize_t pwrite64(int d, const void *data, size_t size, off_t place) { return write_at(d, data, size, place, 1); }

static int sync_with(const char *name, int descriptor) {
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    char path[PATH_MAX];
    if (!watched(descriptor, path)) return real(descriptor);
    int kind = due();
    if (kind == KILLED || kind == TORN) kill(getpid(), SIGKILL);
    if (fails(kind)) return -1;
    lock_record(LOCK_EX);
    int done = real(descriptor);
    if (!done) record('S', path, 0, NULL, 0);
    lock_record(LOCK_UN);
    return done;
}

int fsync(int descriptor) { return sync_with("fsync", descriptor); }
int fdatasync(int descriptor) { return sync_with("fdatasync", descriptor); }

/* Whether a call that changes a name is made to fail. */
static int name_fails(const char *path) {
    if (!inside(path)) return 0;
    int kind = due();
    if (kind == KILLED || kind == TORN) kill(getpid(), SIGKILL);
    return fails(kind);
}

static int recorded(int done, char kind, const char *path, const char *data) {
    if (done >= 0 && inside(path)) record(kind, path, 0, data, data ? strlen(data) : 0);
    lock_record(LOCK_UN);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    if (name_fails(path)) return -1;
    lock_record(LOCK_EX);
    return recorded(real(path, mode), 'D', path, NULL);
}

static int remove_with(const char *name, const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, name);
    if (name_fails(path)) return -1;
    lock_record(LOCK_EX);
    return recorded(real(path), 'U', path, NULL);
}

int unlink(const char *path) { return remove_with("unlink", path); }
int rmdir(const char *path) { return remove_with("rmdir", path); }

/* Both names are recorded: the old one's length, then the old one, as data, and the new one. */
int rename(const char *old, const char *new) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    if (name_fails(new)) return -1;
    lock_record(LOCK_EX);
    return recorded(real(old, new), 'R', new, old);
}

static int open_with(const char *name, const char *path, int flags, va_list arguments) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    if (!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE) return real(path, flags);
    mode_t mode = va_arg(arguments, mode_t);
    if (!(flags & O_CREAT) || !inside(path) || !access(path, F_OK)) return real(path, flags, mode);
    if (name_fails(path)) return -1;
    lock_record(LOCK_EX);
    return recorded(real(path, flags, mode), 'C', path, NULL);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list arguments; \
        va_start(arguments, flags); \
        int descriptor = open_with(#name, path, flags, arguments); \
        va_end(arguments); \
        return descriptor; \
    }
OPEN(open)
OPEN(open64)

/* For programs that cannot call these functions. */
__attribute__((constructor)) static void from_environment(void) {
    const char *path = getenv("FAULTY_FOLDER"), *number = getenv("FAULTY_AT");
    const char *kind = getenv("FAULTY_KIND"), *file = getenv("FAULTY_LOG");
    if (path) fault_watch(path);
    if (number && kind) fault_arm(atol(number), atoi(kind));
    if (path && file) log_descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}
