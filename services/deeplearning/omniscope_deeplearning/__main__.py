"""`python -m omniscope_deeplearning serve|work|all`."""

from omniscope_deeplearning.app import SERVICE

if __name__ == "__main__":
    SERVICE.run()
