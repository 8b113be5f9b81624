#include "task.h"

#include "course/lib/check.h"

namespace task {

std::vector<std::string> wordpiece(const std::string& word,
                                   const std::set<std::string>& vocabulary) {
  course::todo();
}

std::string text_of(const std::vector<std::string>& pieces) { course::todo(); }

}  // namespace task
