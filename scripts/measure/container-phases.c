/*
 * Times the kernel's part of starting a container, one phase a line: "name samples p10 p50 p90" in nanoseconds.
 * Run as root by container-phases.mjs, in a real-time class so that others on the machine do not delay it.
 *
 * Each sample is taken in a child process of its own, so that what it made is gone before the next.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#define MOST_SAMPLES 400

static const char *directory;
static double *shared; /* what the child measured, ns; negative: not possible here */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  *shared = -1;
  _exit(1);
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

/* Runs a measurement in a child, many times, and prints what it took. */
static void sample(const char *name, int samples, void (*measure)(long), long argument) {
  static double times[MOST_SAMPLES];
  for (int i = 0; i < samples; i++) {
    pid_t child = fork();
    if (child == 0) {
      measure(argument);
      _exit(0);
    }
    waitpid(child, NULL, 0);
    if (*shared < 0) return;
    times[i] = *shared;
  }
  qsort(times, samples, sizeof *times, compare);
  printf("%s %d %.0f %.0f %.0f\n", name, samples, times[samples / 10], times[samples / 2], times[samples * 9 / 10]);
  fflush(stdout);
}

static void measureUnshare(long flags) {
  double start = now();
  if (unshare(flags)) fail("unshare");
  *shared = now() - start;
}

static void measureForkExec(long unused) {
  (void)unused;
  double start = now();
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/busybox", "true", (char *)NULL);
    _exit(127);
  }
  waitpid(child, NULL, 0);
  *shared = now() - start;
}

static void privateMounts(void) {
  if (unshare(CLONE_NEWNS)) fail("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail("private");
}

static void measureProc(long unused) {
  (void)unused;
  privateMounts();
  char path[512];
  snprintf(path, sizeof path, "%s/merged", directory);
  double start = now();
  if (mount("proc", path, "proc", 0, NULL)) fail("proc");
  *shared = now() - start;
}

/* Mounts an overlay over so many layers; the returned time is the mount's. */
static double overlay(int layers) {
  static char options[1 << 16];
  size_t length = snprintf(options, sizeof options, "lowerdir=");
  for (int i = 0; i < layers; i++)
    length += snprintf(options + length, sizeof options - length, "%s%d", i ? ":" : "", layers - 1 - i);
  snprintf(options + length, sizeof options - length, ",upperdir=upper,workdir=work");
  if (chdir(directory)) fail("chdir");
  double start = now();
  if (mount("overlay", "merged", "overlay", 0, options)) fail("overlay");
  return now() - start;
}

static void measureOverlay(long layers) {
  privateMounts();
  *shared = overlay(layers);
}

/* The first look-up of a file that only the lowest layer has, through so many layers. */
static void measureLookup(long layers) {
  privateMounts();
  overlay(layers);
  double start = now();
  int file = open("merged/tree/file", O_RDONLY);
  *shared = now() - start;
  if (file < 0) fail("open");
}

static void measureMissing(long layers) {
  privateMounts();
  overlay(layers);
  struct stat unused;
  double start = now();
  int found = stat("merged/tree/missing", &unused);
  *shared = now() - start;
  if (found == 0) fail("found");
}

/* Opening a file of a lower layer for writing copies all of it. */
static void measureCopyUp(long kibibytes) {
  privateMounts();
  overlay(1);
  char path[64];
  snprintf(path, sizeof path, "merged/size-%ld", kibibytes);
  double start = now();
  int file = open(path, O_WRONLY | O_APPEND);
  *shared = now() - start;
  if (file < 0) fail("copy-up");
  close(file);
  snprintf(path, sizeof path, "upper/size-%ld", kibibytes);
  unlink(path);
}

static void measurePivot(long unused) {
  (void)unused;
  privateMounts();
  overlay(8);
  if (mkdir("merged/old", 0755) && errno != EEXIST) fail("mkdir");
  double start = now();
  if (syscall(SYS_pivot_root, "merged", "merged/old")) fail("pivot_root");
  if (chdir("/")) fail("chdir");
  if (umount2("/old", MNT_DETACH)) fail("umount");
  *shared = now() - start;
}

static void measureChroot(long unused) {
  (void)unused;
  double start = now();
  if (chroot(directory)) fail("chroot");
  *shared = now() - start;
}

static void measureCgroup(long version) {
  char path[256];
  const char *root = version == 2 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup/memory";
  snprintf(path, sizeof path, "%s/measure-%d", root, getpid());
  double start = now();
  if (mkdir(path, 0755)) fail("cgroup");
  *shared = now() - start;
  rmdir(path);
}

/* Moving a process into a group, the part that waits for other processors. */
static void measureAttach(long version) {
  char path[256], procs[300], number[32];
  const char *root = version == 2 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup/memory";
  snprintf(path, sizeof path, "%s/measure-%d", root, getpid());
  if (mkdir(path, 0755)) fail("cgroup");
  snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  int file = open(procs, O_WRONLY);
  int length = snprintf(number, sizeof number, "%d", child);
  double start = now();
  if (write(file, number, length) < 0) fail("attach");
  *shared = now() - start;
  close(file);
  kill(child, 9);
  waitpid(child, NULL, 0);
  while (rmdir(path) && errno == EBUSY) usleep(1000);
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  directory = arguments[1];
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  static const struct { const char *name; long flags; } namespaces[] = {
      {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS},
      {"uts", CLONE_NEWUTS}, {"user", CLONE_NEWUSER}, {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};
  char name[64];
  for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
    snprintf(name, sizeof name, "namespace-%s", namespaces[i].name);
    sample(name, 100, measureUnshare, namespaces[i].flags);
  }
  sample("fork-exec", 100, measureForkExec, 0);
  sample("chroot", 100, measureChroot, 0);
  sample("pivot-root", 50, measurePivot, 0);
  sample("mount-proc", 50, measureProc, 0);
  static const int depths[] = {1, 8, 32, 120};
  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
    snprintf(name, sizeof name, "overlay-mount-%d", depths[i]);
    sample(name, 50, measureOverlay, depths[i]);
    snprintf(name, sizeof name, "overlay-lookup-%d", depths[i]);
    sample(name, 50, measureLookup, depths[i]);
    snprintf(name, sizeof name, "overlay-missing-%d", depths[i]);
    sample(name, 50, measureMissing, depths[i]);
  }
  static const int sizes[] = {4, 64, 1024, 16384, 65536};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    snprintf(name, sizeof name, "copy-up-%dKiB", sizes[i]);
    sample(name, sizes[i] > 1024 ? 15 : 50, measureCopyUp, sizes[i]);
  }
  sample("cgroup-v1-create", 50, measureCgroup, 1);
  sample("cgroup-v2-create", 50, measureCgroup, 2);
  sample("cgroup-v1-attach", 50, measureAttach, 1);
  sample("cgroup-v2-attach", 50, measureAttach, 2);
  return 0;
}
