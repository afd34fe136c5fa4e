"""Small frames become figures, tables and sentences; nothing here touches the engine."""
