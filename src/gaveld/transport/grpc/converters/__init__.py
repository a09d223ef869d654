"""Between the wire's types and the domain's, both ways. They decide nothing."""
