"""What Scrapy needs to know to fetch the pictures of the benchmark's site."""

import scrapy


class Photos(scrapy.Spider):
    name = "photos"

    def __init__(self, site, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [site]

    def parse(self, response):
        yield from response.follow_all(css="a::attr(href)", callback=self.page)

    def page(self, response):
        urls = response.css("img::attr(src)").getall()
        yield {"image_urls": [response.urljoin(url) for url in urls]}
