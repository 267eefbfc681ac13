// Asks about an image, once for each line of stdin, and prints the milliseconds that it took and the answer:
// bench_core MODEL IMAGE QUESTION
#include <medplib/core/session.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
  using Clock = std::chrono::steady_clock;
  if (argc != 4) return 2;
  const std::string question = argv[3];
  medplib::core::Session session(medplib::core::Model::load(argv[1]));
  session.set_image(medplib::core::Image::read(argv[2]));
  for (std::string line; std::getline(std::cin, line);) {
    const auto started = Clock::now();
    const std::string text = session.ask(question).text;
    const std::chrono::duration<double, std::milli> took = Clock::now() - started;
    std::cout << took.count() << '\t' << text << std::endl;
  }
} catch (const std::exception& error) {
  std::cerr << "bench_core: " << error.what() << '\n';
  return 1;
}
