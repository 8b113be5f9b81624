// Task 4.1: softmax, row by row.
#pragma once

#include <vector>

#include "course/lib/matrix.h"

namespace task {

using course::Matrix;

// Every row of s becomes shares: positive, and their sum is 1. Right for scores of any size.
Matrix softmax(const Matrix& s);

// log of the sum of exponentials of each row, as large as n rows: what the engine keeps in place of
// the shares. Right for scores of any size.
std::vector<double> log_sum_exp(const Matrix& s);

}  // namespace task
