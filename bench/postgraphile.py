"""x"""

DOCUMENTS: dict = {}
READERS: dict = {}
