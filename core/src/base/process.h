// After a fork the threads of OpenMP are gone in the child, and whoever waits for them hangs.
#pragma once

namespace medplib::core {

// Called wherever computing begins. Errors: State, in a child of the process that called it first.
void check_not_forked();

}  // namespace medplib::core
