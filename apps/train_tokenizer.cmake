# Included by apps/CMakeLists.txt.
add_executable(train_tokenizer ${CMAKE_CURRENT_SOURCE_DIR}/train_tokenizer.cpp)
target_link_libraries(train_tokenizer PRIVATE peft::apps_common peft::data peft_dep::cxxopts)
