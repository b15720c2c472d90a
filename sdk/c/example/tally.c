// Counts its runs, tells another server, and emits an event: every host call once, in C.
#include "../nexus.h"

#include <stdio.h>
#include <stdlib.h>

static char buffer[64 * 1024];

/** Ends the run as failed; the platform tries again. */
static void must(int error, const char *what) {
  if (!error) return;
  size_t size = 0;
  if (nexus_answer_read(buffer, sizeof buffer, &size)) size = 0;
  fprintf(stderr, "cannot %s: errno %d, %.*s\n", what, error, (int)size, buffer);
  exit(1);
}

/** Whoever else counts at the same time: nobody's step is lost. */
static long count_up(void) {
  for (;;) {
    size_t size = 0;
    uint64_t revision = NEXUS_ABSENT;
    long count = 0;
    int error = nexus_kv_get("count", 5, buffer, sizeof buffer - 1, &size, &revision);
    if (error != NEXUS_NOENT) {
      must(error, "read the count");
      buffer[size] = 0;
      count = atol(buffer);
    }
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", count + 1);
    error = nexus_kv_set("count", 5, text, length, (int64_t)revision, 0, NULL);
    if (error == NEXUS_STALE) continue;
    must(error, "keep the count");
    return count + 1;
  }
}

static void list_seen(long count) {
  char key[32];
  int length = snprintf(key, sizeof key, "seen/%ld", count);
  must(nexus_kv_set(key, length, "yes", 3, NEXUS_ANY, 3600 * 1000, NULL), "keep what was seen");
  if (count > 3) {
    length = snprintf(key, sizeof key, "seen/%ld", count - 3);
    int error = nexus_kv_delete(key, length, NEXUS_ANY);
    if (error != NEXUS_NOENT) must(error, "forget what was seen");
  }
  size_t size = 0;
  must(nexus_kv_list("seen/", 5, "", 0, 100, buffer, sizeof buffer, &size), "list what was seen");
  nexus_kv_page page;
  nexus_kv_entry entry;
  nexus_kv_open(&page, buffer, size);
  printf("seen %u:", page.count);
  while (nexus_kv_next(&page, &entry)) printf(" %.*s", (int)entry.key_length, entry.key);
  printf("\n");
}

static void tell(long count) {
  size_t size = 0;
  must(nexus_secret_get("API_KEY", 7, buffer, sizeof buffer, &size), "read the secret");
  char head[1024], body[32];
  int length = snprintf(head, sizeof head, "POST %s\nauthorization: Bearer %.*s\n", getenv("API_URL"), (int)size, buffer);
  int body_length = snprintf(body, sizeof body, "{\"count\":%ld}", count);
  must(nexus_fetch(head, length, body, body_length, buffer, sizeof buffer - 1, &size), "tell the count");
  buffer[size] = 0;
  char *answer = strstr(buffer, "\n\n");
  printf("told: %.3s %s\n", buffer, answer ? answer + 2 : "");
}

int main(void) {
  long count = count_up();
  printf("count %ld\n", count);
  list_seen(count);
  tell(count);
  char event[100];
  int length = snprintf(event, sizeof event, "{\"type\":\"com.example.counted\",\"data\":{\"count\":%ld}}", count);
  must(nexus_emit(event, length), "emit");
  must(nexus_log(NEXUS_LOG_INFO, "counted", 7), "log");
  return 0;
}
