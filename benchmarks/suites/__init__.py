"""What is measured: each suite says what runs and returns its rows; nothing of it knows files or pages."""
