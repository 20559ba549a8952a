"""The article's experiment, on which this tool is based, repeated and measured honestly.

`run_article` runs it, and `article_lines` prints the result for a terminal of any width. Nothing
here draws a screen; scikit-learn is imported to run the k-means.
"""

from __future__ import annotations

from tuilabel.simulate.article.lines import article_lines
from tuilabel.simulate.article.loop import ARTICLE, Protocol
from tuilabel.simulate.article.protocol import run_article
from tuilabel.simulate.article.report import ArticleReport

__all__ = ["ARTICLE", "ArticleReport", "Protocol", "article_lines", "run_article"]
