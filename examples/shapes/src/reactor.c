// A reactor: no `main`. The platform calls `_initialize` (made by the compiler), then `handle_event`.
#include <stdio.h>

__attribute__((export_name("handle_event"))) int handle_event(void) {
  size_t bytes = 0;
  while (getchar() != EOF) bytes++;
  printf("{\"shape\":\"reactor\",\"bytes\":%zu}", bytes);
  return fflush(stdout) == 0 ? 0 : 1;
}
