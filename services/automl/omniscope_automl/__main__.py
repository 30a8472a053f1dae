"""`python -m omniscope_automl serve|work|all`."""

from omniscope_automl.app import SERVICE

if __name__ == "__main__":
    SERVICE.run()
