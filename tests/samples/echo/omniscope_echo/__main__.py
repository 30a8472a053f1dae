"""`python -m omniscope_echo serve|work|all`."""

from omniscope_echo.app import SERVICE

if __name__ == "__main__":
    SERVICE.run()
