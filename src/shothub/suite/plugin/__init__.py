"""What shothub adds to BLACS: hands it shots, journals them, reports what became of them."""
