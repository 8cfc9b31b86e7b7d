"""A stand-in SMS gateway for development, demonstrations and tests, and the phones it texts.

It speaks Kavenegar's and sms.ir's protocols over real HTTP, in a process of its own, and sends
nothing anywhere.
It knows neither Django nor the database: to the product it is just another gateway.
"""
