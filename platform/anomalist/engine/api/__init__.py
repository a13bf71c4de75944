"""The Python interface: what `import anomalist` offers."""
