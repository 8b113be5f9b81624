// Moved to engine/base; here for who still looks for it in this place.
#pragma once

#include "engine/base/atomic_file.h"
