"""Runs a program on a new PTY and sends the master over a Unix socket, as an OCI runtime does with --console-socket.

usage: console-program.py <socket> <program> [argument ...]
Prints the program's pid; ends when the program ends, with its code. The master is not kept here.
"""
import os, pty, socket, sys

path, arguments = sys.argv[1], sys.argv[2:]
master, slave = pty.openpty()
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.connect(path)
    pid = os.fork()
    if pid == 0:
        connection.close()
        os.close(master)
        os.setsid()
        import fcntl, termios
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        if slave > 2:
            os.close(slave)
        os.execvp(arguments[0], arguments)
    socket.send_fds(connection, [b"/dev/ptmx"], [master])
os.close(master)
os.close(slave)
print(pid, flush=True)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
