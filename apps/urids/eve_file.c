// SPDX-License-Identifier: BSD-2-Clause
/* Where lines of alerts go: a buffer of all lanes, and a thread that writes it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/common.h"
#include "urids/eve.h"

#define STUCK_MS	1000	/* at the end: then nobody reads any more */
#define RETRY_MS	100	/* of a pipe that does not block and is full */

static int open_file(const char *path)
{
	int fd = strcmp(path, "-") ?
		 open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) :
		 fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* ------------------------------------------------------------------------
 * The thread
 */

static uint32_t count_lines(const char *p, size_t len)
{
	const char *end = p + len;
	uint32_t n = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

/* The beginning of a line that could not be written to its end is taken back. */
static void cut_torn(struct eve *eve, const char *buf, size_t written)
{
	size_t torn = 0;
	struct stat st;

	while (torn < written && buf[written - torn - 1] != '\n')
		torn++;
	if (!torn)
		return;
	/* in a pipe it stays, and has its end when the next line begins */
	eve->torn = fstat(eve->fd, &st) || !S_ISREG(st.st_mode) ||
		    (size_t)st.st_size < torn ||
		    ftruncate(eve->fd, st.st_size - (off_t)torn);
}

/* Return: bytes written; errno says what stopped it. */
static size_t write_some(int fd, const char *buf, size_t len)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	size_t done = 0;

	errno = 0;
	while (done < len) {
		ssize_t n = write(fd, buf + done, len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&out, 1, RETRY_MS);
		else if (errno != EINTR)
			break;
	}
	return done;
}

static void write_lines(struct eve *eve, const char *buf, size_t len)
{
	size_t done;
	int err;

	if (eve->torn && write(eve->fd, "\n", 1) == 1)
		eve->torn = false;
	done = write_some(eve->fd, buf, len);
	err = done < len ? errno : 0;
	if (done < len) {
		cut_torn(eve, buf, done);
		__atomic_fetch_add(&eve->unwritten,
				   count_lines(buf + done, len - done),
				   __ATOMIC_RELAXED);
	}
	__atomic_store_n(&eve->error, err, __ATOMIC_RELAXED);
}

/* After a file was renamed, by logrotate for one, lines go to a new one. */
static void reopen(struct eve *eve)
{
	int fd = open_file(eve->path);

	if (fd < 0) {
		__atomic_store_n(&eve->error, -fd, __ATOMIC_RELAXED);
		return;
	}
	close(eve->fd);
	eve->fd = fd;
	eve->torn = false;
}

static void *run(void *arg)
{
	struct eve *eve = arg;
	bool again, end;
	size_t len;
	char *buf;

	/* another file may be there after a SIGHUP, of whoever rotates logs */
	app_keep_privileges(APP_MAY_WRITE);
	do {
		pthread_mutex_lock(&eve->lock);
		while (!eve->len && !eve->again && !eve->end)
			pthread_cond_wait(&eve->news, &eve->lock);
		buf = eve->buf[eve->now];
		len = eve->len;
		eve->now = !eve->now;
		eve->len = 0;
		again = eve->again;
		eve->again = false;
		end = eve->end;
		pthread_mutex_unlock(&eve->lock);
		/* those are of before */
		if (len)
			write_lines(eve, buf, len);
		if (again)
			reopen(eve);
	} while (!end);
	return NULL;
}

/* ------------------------------------------------------------------------
 * All others
 */

int eve_open(struct eve *eve, const char *path)
{
	int err;

	memset(eve, 0, sizeof(*eve));
	eve->path = path;
	eve->fd = open_file(path);
	if (eve->fd < 0)
		return eve->fd;
	pthread_mutex_init(&eve->lock, NULL);
	pthread_cond_init(&eve->news, NULL);
	eve->buf[0] = malloc(2 * EVE_BUFFER);
	if (!eve->buf[0])
		return -ENOMEM;
	eve->buf[1] = eve->buf[0] + EVE_BUFFER;
	err = pthread_create(&eve->thread, NULL, run, eve);
	eve->runs = !err;
	return -err;
}

static void tell(struct eve *eve, bool *what)
{
	pthread_mutex_lock(&eve->lock);
	*what = true;
	pthread_cond_signal(&eve->news);
	pthread_mutex_unlock(&eve->lock);
}

void eve_reopen(struct eve *eve)
{
	if (eve->runs && strcmp(eve->path, "-"))
		tell(eve, &eve->again);
}

bool eve_close(struct eve *eve)
{
	struct timespec until;

	if (eve->runs) {
		tell(eve, &eve->end);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += STUCK_MS / 1000;
		if (pthread_timedjoin_np(eve->thread, NULL, &until))
			return false;
		eve->runs = false;
	}
	if (eve->fd >= 0)
		close(eve->fd);
	eve->fd = -1;
	free(eve->buf[0]);
	eve->buf[0] = NULL;
	return true;
}

bool eve_write(struct eve *eve, const struct timespec *when, const char *device,
	       const struct detect_packet *p, const struct rule *rule)
{
	char line[EVE_LINE_MAX];
	size_t len = eve_line(line, when, device, p, rule);
	bool ok;

	pthread_mutex_lock(&eve->lock);
	ok = len && eve->len + len <= EVE_BUFFER;
	if (ok) {
		memcpy(eve->buf[eve->now] + eve->len, line, len);
		if (!eve->len)
			pthread_cond_signal(&eve->news);
		eve->len += len;
	}
	pthread_mutex_unlock(&eve->lock);
	return ok;
}
