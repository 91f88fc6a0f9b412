"""`python -m auditor.cli`."""

from auditor.cli.main import main

if __name__ == "__main__":
    main()
