#include "task.h"

#include "course/lib/check.h"

namespace task {

long kept(long d, long f, long heads, const Learns& learns) { course::todo(); }

}  // namespace task
