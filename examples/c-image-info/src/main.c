// Reads format and size from an image's first bytes, and emits them as an event.
#include "nexus.h"

typedef struct {
  const char *format;
  uint32_t width, height;
} image;

static const uint8_t *bytes_at(nexus_text file, size_t at, size_t length) {
  return file.length >= at + length ? (const uint8_t *)file.at + at : NULL;
}

static uint32_t big16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static uint32_t big32(const uint8_t *at) { return big16(at) << 16 | big16(at + 2); }
static uint32_t little16(const uint8_t *at) { return (uint32_t)at[1] << 8 | at[0]; }

static bool starts(nexus_text file, const char *magic, size_t length) {
  return file.length >= length && memcmp(file.at, magic, length) == 0;
}

static image read_png(nexus_text file) {
  const uint8_t *size = bytes_at(file, 16, 8);
  return size == NULL ? (image){0} : (image){"png", big32(size), big32(size + 4)};
}

static image read_gif(nexus_text file) {
  const uint8_t *size = bytes_at(file, 6, 4);
  return size == NULL ? (image){0} : (image){"gif", little16(size), little16(size + 2)};
}

// A JPEG is a row of segments: marker, length, content. The size stands in the frame header, SOF0 to
// SOF15 without DHT, JPG and DAC, which have numbers among them.
static image read_jpeg(nexus_text file) {
  for (size_t at = 2;;) {
    const uint8_t *segment = bytes_at(file, at, 9);
    if (segment == NULL || segment[0] != 0xff) return (image){0};
    uint8_t marker = segment[1];
    if (marker == 0xff) {
      at++;
      continue;
    }
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) return (image){"jpeg", big16(segment + 7), big16(segment + 5)};
    at += 2 + big16(segment + 2);
  }
}

static image read_image(nexus_text file) {
  if (starts(file, "\x89PNG\r\n\x1a\n", 8)) return read_png(file);
  if (starts(file, "GIF87a", 6) || starts(file, "GIF89a", 6)) return read_gif(file);
  if (starts(file, "\xff\xd8", 2)) return read_jpeg(file);
  return (image){0};
}

int main(void) {
  nexus_text event = nexus_read_event();
  // Binary data is in `data_base64`: the JSON event format's way to carry it.
  nexus_text file = nexus_base64(nexus_string(nexus_at(event, "data_base64")));
  if (file.at == NULL) {
    fputs("the event has no \"data_base64\": send the image with its own content type\n", stderr);
    return 1;
  }
  image found = read_image(file);
  if (found.format == NULL) {
    fprintf(stderr, "these %zu bytes are no whole PNG, GIF or JPEG header\n", file.length);
    return 1;
  }

  char info[128], measured[256];
  snprintf(info, sizeof info, "{\"format\":\"%s\",\"width\":%u,\"height\":%u,\"bytes\":%zu}",
           found.format, found.width, found.height, file.length);
  snprintf(measured, sizeof measured, "{\"type\":\"com.example.image.measured\",\"data\":%s}", info);
  if (!nexus_emit(measured)) {
    fputs("the platform did not take the event\n", stderr);
    return 1;
  }
  fprintf(stderr, "%s, %u x %u\n", found.format, found.width, found.height);
  fputs(info, stdout);
  return 0;
}
