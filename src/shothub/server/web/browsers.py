"""What browsers are called, from what they say of themselves."""

# Each says the names of those after it too, to be taken for them.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "HeadlessChrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
_LONGEST = 80


def browser_named(agent: str) -> str:
    """Return the name of a browser and its system; its own words if it is none of the usual.

    Args:
        agent: the header ``User-Agent`` of its requests.
    """
    said = {word.partition("/")[0] for word in agent.split()}
    name = next((known for word, known in _BROWSERS.items() if word in said), "")
    system = next((known for word, known in _SYSTEMS.items() if word in agent), "")
    if not name:
        return agent[:_LONGEST] or "unknown"
    return f"{name} on {system}" if system else name
