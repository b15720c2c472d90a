// What a function and the platform say to each other, in C. This file is yours: change it as you like.
// A function needs none of it; stdin, stdout, stderr and the exit code are enough.
#ifndef NEXUS_H
#define NEXUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A piece of text inside a larger one. `at` is NULL where there is none.
typedef struct {
  const char *at;
  size_t length;
} nexus_text;

__attribute__((import_module("nexus"), import_name("emit"))) int32_t nexus_emit_bytes(
    const char *json, size_t length);

// Emits an event: a CloudEvent as JSON text, in which only `type` has to be there. It is appended
// when this invocation succeeds, and not otherwise. False if the platform did not take it.
static inline bool nexus_emit(const char *json) { return nexus_emit_bytes(json, strlen(json)) == 0; }

// The event that this invocation is about: a CloudEvent as JSON text, all of stdin.
static inline nexus_text nexus_read_event(void) {
  size_t length = 0, room = 16384;
  char *bytes = malloc(room);
  while (bytes != NULL) {
    size_t read = fread(bytes + length, 1, room - length, stdin);
    if (read == 0) return (nexus_text){bytes, length};
    length += read;
    if (length == room) bytes = realloc(bytes, room *= 2);
  }
  fputs("no memory for the event\n", stderr);
  exit(1);
}

static inline const char *nexus_skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
  return at;
}

// Behind the JSON value that begins at `at`: how JSON is walked without building a tree. The platform
// gives whole JSON, so this looks at nothing but strings and brackets.
static inline const char *nexus_skip_value(const char *at, const char *end) {
  size_t depth = 0;
  for (; at < end; at++) {
    if (*at == '"') {
      for (at++; at < end && *at != '"'; at++) at += *at == '\\';
      if (at >= end) return end;
    } else if (*at == '{' || *at == '[') {
      depth++;
      continue;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      depth--;
    } else if (*at != ',' && *at != ':' && !strchr(" \n\r\t", *at)) {
      while (at + 1 < end && !strchr(",:]} \n\r\t", at[1])) at++;
    } else {
      continue;
    }
    if (depth == 0) return at + 1;
  }
  return end;
}

// The member of an object, as it stands in the text: a string with its quotes, an object with its
// braces. Names with escapes in them are not found.
static inline nexus_text nexus_member(nexus_text object, const char *name) {
  const nexus_text none = {NULL, 0};
  if (object.at == NULL) return none;
  const char *end = object.at + object.length, *at = nexus_skip_space(object.at, end);
  if (at == end || *at != '{') return none;
  size_t name_length = strlen(name);
  for (at = nexus_skip_space(at + 1, end); at < end && *at == '"';) {
    const char *key = at + 1, *key_end = nexus_skip_value(at, end) - 1;
    at = nexus_skip_space(key_end + 1, end);
    const char *value = nexus_skip_space(at + 1, end), *after = nexus_skip_value(value, end);
    if ((size_t)(key_end - key) == name_length && memcmp(key, name, name_length) == 0)
      return (nexus_text){value, (size_t)(after - value)};
    at = nexus_skip_space(after, end);
    if (at == end || *at != ',') break;
    at = nexus_skip_space(at + 1, end);
  }
  return none;
}

// The value at a path such as `data.customer.name`.
static inline nexus_text nexus_at(nexus_text json, const char *path) {
  while (json.at != NULL && *path != '\0') {
    char name[256];
    size_t length = strcspn(path, ".");
    if (length >= sizeof name) return (nexus_text){NULL, 0};
    memcpy(name, path, length);
    name[length] = '\0';
    json = nexus_member(json, name);
    path += length + (path[length] == '.');
  }
  return json;
}

static inline int nexus_hex4(const char *at) {
  char digits[5] = {at[0], at[1], at[2], at[3], '\0'}, *end;
  long unit = strtol(digits, &end, 16);
  return end == digits + 4 ? (int)unit : -1;
}

static inline char *nexus_put_utf8(char *out, uint32_t point) {
  if (point < 0x80) {
    *out++ = (char)point;
    return out;
  }
  int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
  *out++ = (char)(lead[more] | (point >> (6 * more)));
  while (more-- > 0) *out++ = (char)(0x80 | ((point >> (6 * more)) & 0x3f));
  return out;
}

// The characters of a JSON string, escapes resolved, as UTF-8 with a zero byte behind; `at` is NULL
// where the value is no string.
static inline nexus_text nexus_string(nexus_text json) {
  if (json.at == NULL || json.length < 2 || *json.at != '"') return (nexus_text){NULL, 0};
  const char *at = json.at + 1, *end = json.at + json.length - 1;
  char *text = malloc(json.length), *out = text;
  if (text == NULL) abort();
  while (at < end) {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    const char *letters = "\"\\/bfnrt", *letter = strchr(letters, at[1]);
    if (letter != NULL) {
      *out++ = "\"\\/\b\f\n\r\t"[letter - letters];
      at += 2;
      continue;
    }
    int unit = at[1] == 'u' && at + 6 <= end ? nexus_hex4(at + 2) : -1;
    if (unit < 0) break;
    at += 6;
    uint32_t point = (uint32_t)unit;
    if (unit >= 0xd800 && unit < 0xdc00 && at + 6 <= end && at[0] == '\\' && at[1] == 'u') {
      int low = nexus_hex4(at + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + (((uint32_t)unit & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
        at += 6;
      }
    }
    // Half a surrogate pair is no character: U+FFFD stands for it.
    out = nexus_put_utf8(out, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
  }
  *out = '\0';
  return (nexus_text){text, (size_t)(out - text)};
}

// Writes a text as it stands inside the quotes of a JSON string.
static inline void nexus_write_escaped(FILE *out, nexus_text text) {
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
    else if (c < 0x20) fprintf(out, "\\u%04x", c);
    else fputc(c, out);
  }
}

// The bytes that a base64 text (RFC 4648, section 4) stands for; `at` is NULL where it is not base64.
static inline nexus_text nexus_base64(nexus_text text) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.length > 0 && text.at[text.length - 1] == '=') text.length--;
  char *bytes = text.at == NULL ? NULL : malloc(text.length + 1);
  size_t length = 0;
  uint32_t bits = 0;
  for (size_t i = 0; bytes != NULL && i < text.length; i++) {
    const char *digit = text.at[i] == '\0' ? NULL : strchr(alphabet, text.at[i]);
    if (digit == NULL) return (nexus_text){NULL, 0};
    bits = bits << 6 | (uint32_t)(digit - alphabet);
    if (i % 4 != 0) bytes[length++] = (char)(bits >> (6 - 2 * (i % 4)));
  }
  return (nexus_text){bytes, length};
}

#endif
