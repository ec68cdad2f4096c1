/* SPDX-License-Identifier: Apache-2.0 */
#include <iostream>
#include <vector>

#include "tokengate.hpp"

int main() {
    tokengate::coordinator coordinator;
    tokengate::operation<std::string(std::string, int)> repeat(coordinator, "repeat", [](std::string text, int times) {
        if (times < 0) throw std::invalid_argument("a negative number of times");
        std::string all;
        for (int i = 0; i < times; i++) all += text;
        return all;
    });
    std::vector<tokengate::token<std::string>> tokens;
    for (int i = 1; i <= 3; i++) tokens.push_back(repeat("ab", i));
    for (const auto &token : tokens) std::cout << token.wait() << "\n";
    try {
        repeat("ab", -1).wait();
    } catch (const std::invalid_argument &error) {
        std::cout << "the body threw: " << error.what() << "\n";
    }
    tokengate::operation<int(int)> fibonacci(coordinator, "fibonacci", [&](int n) {
        return n < 2 ? n : fibonacci(n - 1).wait() + fibonacci(n - 2).wait();
    });
    std::cout << "fibonacci(10), every call a token: " << fibonacci(10).wait() << "\n";
    std::cout << "abandoned at the stop: " << coordinator.stop().abandoned << "\n";
}
