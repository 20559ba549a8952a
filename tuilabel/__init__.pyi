from tuilabel.api import Labels as Labels
from tuilabel.api import SavedSession as SavedSession
from tuilabel.api import open_session as open_session
from tuilabel.learn.query import query as query

__version__: str
