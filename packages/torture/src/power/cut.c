/* The power goes for one file system: what is not on its disk yet never comes there. Argument: where it is mounted. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* Of ext4 and xfs: without what is in the journal's log in memory. */
#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NOTHING_IS_FLUSHED 2

int main(int count, char **arguments) {
  uint32_t how = NOTHING_IS_FLUSHED;
  int folder = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (folder >= 0 && ioctl(folder, SHUTDOWN, &how) == 0) return 0;
  perror("cut");
  return 1;
}
