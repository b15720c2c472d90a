// A command: an ordinary program. The platform calls `_start` (made by the compiler), which calls `main`.
#include <stdio.h>

int main(void) {
  size_t bytes = 0;
  while (getchar() != EOF) bytes++;
  printf("{\"shape\":\"command\",\"bytes\":%zu}", bytes);
  return 0;
}
