// What a process gives up for good is tried in a child.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

// What `work` returns there, 0 to 255; -1: the child was ended by a signal.
template <typename Work>
int in_a_child(Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
