"""The measurement: gold questions asked, answers scored."""
