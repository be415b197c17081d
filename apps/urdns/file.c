// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES		20
#define PAUSE_MS	50

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Has nothing been written in between, as far as can be seen? */
static bool stood_still(const struct stat *before, const struct stat *after)
{
	return before->st_size == after->st_size &&
	       same_time(before->st_mtim, after->st_mtim) &&
	       same_time(before->st_ctim, after->st_ctim);
}

/* Return: bytes, which may be fewer than the file had, or -errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Once.  *again: it was written to. */
static const char *read_once(int fd, size_t most, char **text, size_t *len,
			     bool *again)
{
	struct stat before, after;
	ssize_t n;

	*again = false;
	if (fstat(fd, &before))
		return strerror(errno);
	if (!S_ISREG(before.st_mode))
		return "it is not a regular file";
	if ((size_t)before.st_size > most)
		return "it is too large: 1 GiB is the most, with what it includes";
	*text = malloc((size_t)before.st_size + 1);
	if (!*text)
		return "there is no memory left for it";
	n = read_all(fd, *text, (size_t)before.st_size);
	if (n >= 0 && fstat(fd, &after))
		n = -errno;
	if (n < 0) {
		free(*text);
		return strerror((int)-n);
	}
	*again = n != before.st_size || !stood_still(&before, &after);
	if (*again)
		free(*text);
	*len = (size_t)n;
	return NULL;
}

const char *file_read(const char *name, size_t most, char **text, size_t *len)
{
	const char *why = NULL;
	bool again = true;
	int tries, fd;

	for (tries = 0; !why && again; tries++) {
		if (tries == TRIES)
			return "it is written to all the time; move a new file to its place, with mv";
		if (tries)
			poll(NULL, 0, PAUSE_MS);
		/* another file may be there now; of a FIFO nobody waits for the other end */
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return strerror(errno);
		why = read_once(fd, most, text, len, &again);
		close(fd);
	}
	return why;
}
