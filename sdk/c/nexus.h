/* Host calls of Nexus Functions for C: docs/host-api.md says what each does. One header, nothing to link. */
#ifndef NEXUS_H
#define NEXUS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NEXUS_CALL(name) __attribute__((import_module("nexus"), import_name(#name))) extern int

/* What every call gives: 0, or why not. The text of it is read with nexus_answer_read. */
#define NEXUS_ACCES 2 /* not granted */
#define NEXUS_CONNREFUSED 14
#define NEXUS_DQUOT 19 /* as many as a run may make */
#define NEXUS_FAULT 21
#define NEXUS_FBIG 22 /* too large to be kept */
#define NEXUS_HOSTUNREACH 23
#define NEXUS_INVAL 28
#define NEXUS_IO 29
#define NEXUS_MSGSIZE 35
#define NEXUS_NOENT 44 /* there is none */
#define NEXUS_NOSPC 51 /* the buffer is too small: *size says how large it has to be */
#define NEXUS_NOSYS 52 /* nobody answers here */
#define NEXUS_STALE 72 /* the entry is not as it was expected to be */
#define NEXUS_TIMEDOUT 73

/* What an entry is expected to be before it is changed: a revision, or one of these. */
#define NEXUS_ANY ((int64_t)-1)
#define NEXUS_ABSENT ((int64_t)0)

#define NEXUS_LOG_DEBUG 0
#define NEXUS_LOG_INFO 1
#define NEXUS_LOG_WARN 2
#define NEXUS_LOG_ERROR 3

NEXUS_CALL(emit) nexus_emit(const void *event, size_t length);
NEXUS_CALL(log) nexus_log(int level, const void *text, size_t length);
NEXUS_CALL(kv_get) nexus_kv_get(const void *key, size_t key_length, void *value, size_t capacity, size_t *size, uint64_t *revision);
NEXUS_CALL(kv_set) nexus_kv_set(const void *key, size_t key_length, const void *value, size_t value_length, int64_t expect, int64_t ttl_ms, uint64_t *revision);
NEXUS_CALL(kv_delete) nexus_kv_delete(const void *key, size_t key_length, int64_t expect);
NEXUS_CALL(kv_list) nexus_kv_list(const void *prefix, size_t prefix_length, const void *after, size_t after_length, uint32_t limit, void *page, size_t capacity, size_t *size);
NEXUS_CALL(fetch) nexus_fetch(const void *head, size_t head_length, const void *body, size_t body_length, void *answer, size_t capacity, size_t *size);
NEXUS_CALL(secret_get) nexus_secret_get(const void *name, size_t name_length, void *value, size_t capacity, size_t *size);
NEXUS_CALL(answer_read) nexus_answer_read(void *answer, size_t capacity, size_t *size);

/* A page of nexus_kv_list. */
typedef struct {
  const uint8_t *at, *end;
  uint32_t count;
  int more; /* others follow: list again, after the last key of this page */
} nexus_kv_page;

typedef struct {
  const char *key;
  size_t key_length;
  const char *value;
  size_t value_length;
  uint64_t revision;
} nexus_kv_entry;

static inline void nexus_kv_open(nexus_kv_page *page, const void *bytes, size_t size) {
  uint32_t head[2] = {0, 0};
  if (size >= sizeof head) memcpy(head, bytes, sizeof head);
  page->more = head[0] != 0;
  page->count = head[1];
  page->at = (const uint8_t *)bytes + sizeof head;
  page->end = (const uint8_t *)bytes + size;
}

/* 0 where there is no further one. */
static inline int nexus_kv_next(nexus_kv_page *page, nexus_kv_entry *entry) {
  uint32_t lengths[2];
  size_t left = page->at < page->end ? (size_t)(page->end - page->at) : 0;
  if (left < 16) return 0;
  memcpy(lengths, page->at, sizeof lengths);
  if (lengths[0] > left - 16 || lengths[1] > left - 16 - lengths[0]) return 0;
  memcpy(&entry->revision, page->at + 8, sizeof entry->revision);
  entry->key = (const char *)page->at + 16;
  entry->key_length = lengths[0];
  entry->value = entry->key + lengths[0];
  entry->value_length = lengths[1];
  page->at += 16 + (size_t)lengths[0] + lengths[1];
  return 1;
}

#endif
