"""What runs inside the sandbox; started by the host side, imported by nobody outside."""
